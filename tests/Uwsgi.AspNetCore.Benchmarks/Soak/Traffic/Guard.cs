namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Turns what an exchange throws into its outcome.</summary>
internal static class Guard
{
    public static async Task<Outcome> RunAsync(Func<Task<Outcome>> exchange)
    {
        try
        {
            return await exchange();
        }
        catch (OperationCanceledException)
        {
            return new(OutcomeKind.Hang, "not even connected");
        }
        catch (Exception broken) when (broken is FormatException or InvalidOperationException or OverflowException)
        {
            // No answer in the form of its protocol, or a header more than once.
            return new(OutcomeKind.Mismatch, broken.Message);
        }
    }
}
