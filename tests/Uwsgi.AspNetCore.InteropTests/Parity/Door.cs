using System.Net;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>What a web server and the protocol behind it must be able to do for a case to make sense.</summary>
[Flags]
internal enum Capabilities
{
    None = 0,

    /// <summary>A 101 answer turns the connection into a tunnel.</summary>
    Upgrade = 1,

    /// <summary>Chunked request bodies are accepted.</summary>
    ChunkedRequests = 2,

    /// <summary>Under <c>/unbuffered/</c> both bodies pass piece by piece.</summary>
    Streaming = 4,

    /// <summary>Methods no standard knows are passed on as they are.</summary>
    CustomMethods = 8,

    /// <summary>A response without a length that is cut off can be told from a whole one.</summary>
    CutResponses = 16,

    /// <summary>The app is told when the client leaves while it has nothing to write.</summary>
    ClientAborts = 32,

    /// <summary>Under <c>/unbuffered/</c> the first bytes of a request body reach the app before more have come.</summary>
    StreamedUploads = 64,

    All = Upgrade | ChunkedRequests | Streaming | CustomMethods | CutResponses | ClientAborts | StreamedUploads,
}

/// <summary>One way into the app: where clients connect and what the way behind can do.</summary>
/// <param name="Name">The name in messages, for instance <c>nginx uwsgi_pass</c>.</param>
/// <param name="EndPoint">Where clients connect.</param>
/// <param name="Offers">What the way can do.</param>
internal sealed record Door(string Name, EndPoint EndPoint, Capabilities Offers = Capabilities.All)
{
    /// <summary>Gets the cases which the web server answers in its own way, with the status it answers.</summary>
    public IReadOnlyDictionary<string, int> Answers { get; init; } = new Dictionary<string, int>();
}
