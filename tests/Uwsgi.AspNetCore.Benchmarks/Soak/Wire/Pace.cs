namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>How somebody slow sends or reads: so many pauses between small pieces, and then on at full speed.</summary>
internal sealed class Pace(Random random, int pauses)
{
    private const int LargestSlowPiece = 3000;
    private const int LargestPause = 60;

    private readonly int _seed = random.Next();
    private int _left = pauses;

    private Random Choice => field ??= new Random(_seed);

    public static Pace None(Random random) => new(random, 0);

    public static Pace Slow(Random random) => new(random, random.Next(5, 40));

    public int NextPiece() => _left > 0 ? Choice.Next(1, Choice.Next(2) == 0 ? 20 : LargestSlowPiece) : int.MaxValue;

    public async ValueTask PauseAsync(CancellationToken cancellationToken)
    {
        if (_left > 0)
        {
            _left--;
            await Task.Delay(Choice.Next(LargestPause), cancellationToken);
        }
    }
}
