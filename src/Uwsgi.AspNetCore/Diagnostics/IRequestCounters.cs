namespace Uwsgi.AspNetCore.Diagnostics;

/// <summary>What a request has moved so far. Read while it runs from any thread, and exact once its response is complete.</summary>
internal interface IRequestCounters
{
    /// <summary>Gets the bytes of the request's body that were read; over HTTP those announced.</summary>
    long BytesReceived { get; }

    /// <summary>Gets the bytes of the response's head; 0 before it was written.</summary>
    int HeadBytesSent { get; }

    /// <summary>Gets how many header fields the response's head has.</summary>
    int HeadFieldsSent { get; }

    /// <summary>Gets the bytes of the response's body.</summary>
    long BodyBytesSent { get; }

    /// <summary>Gets whether the peer was gone before the request's body had been read.</summary>
    bool HasReadFailed { get; }

    /// <summary>Gets whether the peer was gone before the response was complete.</summary>
    bool HasWriteFailed { get; }
}
