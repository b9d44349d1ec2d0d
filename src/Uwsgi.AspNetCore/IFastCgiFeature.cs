namespace Uwsgi.AspNetCore;

/// <summary>What only FastCGI requests have. Get it with <c>HttpContext.Features.Get&lt;IFastCgiFeature&gt;()</c>.</summary>
public interface IFastCgiFeature
{
    /// <summary>Gets what the web server asks for.</summary>
    FastCgiRole Role { get; }

    /// <summary>Gets the number of the request on its connection, 1 to 65,535.</summary>
    int RequestId { get; }

    /// <summary>Sends a message to the web server's error log over the STDERR stream.</summary>
    /// <param name="message">The text; web servers log it line by line.</param>
    /// <param name="cancellationToken">Ends the wait for the web server to take it.</param>
    /// <returns>A task that completes when the message is on its way.</returns>
    /// <remarks>
    /// At most 64 KiB are sent per request; what goes beyond is dropped, so that no request can flood the log. So is what comes too late:
    /// a response whose announced length has been written is complete.
    /// </remarks>
    ValueTask WriteErrorAsync(string message, CancellationToken cancellationToken = default);
}
