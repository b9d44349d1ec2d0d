namespace Uwsgi.AspNetCore.Hosting;

/// <summary>What an application sees of a FastCGI request. It may outlive the request, whose exchange serves others by then.</summary>
internal sealed class FastCgiFeature(FastCgiExchange exchange) : IFastCgiFeature
{
    private readonly uint _number = exchange.RequestNumber;

    public FastCgiRole Role { get; } = exchange.Role;

    public int RequestId { get; } = exchange.RequestId;

    public ValueTask WriteErrorAsync(string message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return exchange.WriteErrorAsync(_number, message, cancellationToken);
    }
}
