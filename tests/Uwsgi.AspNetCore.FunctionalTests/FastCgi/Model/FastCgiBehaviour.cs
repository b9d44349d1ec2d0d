namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>What the application does with a request; the web server's side selects it with a header.</summary>
internal enum FastCgiBehaviour
{
    /// <summary>Reads the body and answers with it.</summary>
    Echo,

    /// <summary>Reads the body and answers with its length and hash.</summary>
    Digest,

    /// <summary>Answers without a look at the body.</summary>
    Ignore,

    /// <summary>Flushes the head and a part of the answer, then reads the body, then answers with its length and hash.</summary>
    Early,

    /// <summary>Answers with more than a record holds.</summary>
    Large,

    /// <summary>Answers in parts, each flushed.</summary>
    Chunks,

    /// <summary>Fails before the response.</summary>
    Throw,

    /// <summary>Fails behind a flushed part of the response.</summary>
    ThrowLate,

    /// <summary>Waits until the request is aborted.</summary>
    Wait,
}
