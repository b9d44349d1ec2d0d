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

    /// <summary>Under <c>/unbuffered/</c> a response reaches the client piece by piece.</summary>
    Streaming = 4,

    /// <summary>Methods no standard knows are passed on as they are.</summary>
    CustomMethods = 8,

    /// <summary>A response without a length that is cut off can be told from a whole one.</summary>
    CutResponses = 16,

    /// <summary>Under <c>/unbuffered/</c> a request body reaches the app while it arrives.</summary>
    StreamingUploads = 32,

    /// <summary>The app is told when the client leaves while it has nothing to write.</summary>
    ClientAborts = 64,

    /// <summary>A response reaches the client while its request body is still on the way.</summary>
    Duplex = 128,

    /// <summary>A long request body is taken off the client to its end though the app does not read it.</summary>
    UnreadBodies = 256,

    All = Upgrade | ChunkedRequests | Streaming | CustomMethods | CutResponses | StreamingUploads | ClientAborts | Duplex | UnreadBodies,
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
