using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

/// <summary>One page in a browser context of its own, which takes note of everything that goes wrong and of every WebSocket.</summary>
internal sealed class BrowserTab : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<IWebSocket> _webSockets = new();
    private int _frames;

    public BrowserTab(IPage page)
    {
        Page = page;
        page.SetDefaultTimeout((float)TestTimeout.Duration.TotalMilliseconds);
        page.Console += (_, message) => Note(message.Type is "error" or "warning", message.Text);
        page.PageError += (_, error) => Note(true, error);
        // A page that is left for another aborts what it is still loading; that is its own choice.
        page.RequestFailed += (_, request) => Note(request.Failure != "net::ERR_ABORTED", $"{request.Url}: {request.Failure}");
        page.Response += (_, response) => Note(response.Status >= 400, $"{response.Url}: {response.Status}");
        page.WebSocket += (_, socket) =>
        {
            _webSockets.Enqueue(socket);
            socket.FrameReceived += (_, _) => Interlocked.Increment(ref _frames);
        };
    }

    public IPage Page { get; }

    public IReadOnlyCollection<IWebSocket> WebSockets => _webSockets;

    public int FramesReceived => Volatile.Read(ref _frames);

    /// <summary>Gets errors and warnings of the console, uncaught exceptions and requests that failed or were refused.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>Waits until an element shows a text.</summary>
    public Task SeeAsync(string selector, string text) =>
        Assertions.Expect(Page.Locator(selector)).ToHaveTextAsync(text, new() { Timeout = (float)TestTimeout.Duration.TotalMilliseconds });

    /// <inheritdoc cref="SeeAsync(string, string)"/>
    public Task SeeAsync(string selector, Regex text) =>
        Assertions.Expect(Page.Locator(selector)).ToHaveTextAsync(text, new() { Timeout = (float)TestTimeout.Duration.TotalMilliseconds });

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();

    private void Note(bool isComplaint, string text)
    {
        if (isComplaint)
        {
            _complaints.Enqueue(text);
        }
    }
}
