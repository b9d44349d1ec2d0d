using System.Buffers.Binary;
using System.Globalization;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>What came back for one request, and whether that was due.</summary>
internal sealed class FastCgiModelAnswer(FastCgiModelRequest request)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte> _stdout = [];
    private bool _isStdoutEnded;
    private uint _applicationStatus;
    private byte _protocolStatus;
    private volatile bool _isBegun;

    public FastCgiModelRequest Request => request;

    public bool IsBegun => _isBegun;

    public Task Ended => _ended.Task;

    public void MarkBegun() => _isBegun = true;

    /// <summary>Adds a record; true when it was the last.</summary>
    public bool Add(FastCgiAnswerRecord record)
    {
        switch (record.Type)
        {
            case StdoutType:
                Assert.False(_isStdoutEnded, $"STDOUT of {request} goes on behind its end.");
                _stdout.AddRange(record.Content);
                _isStdoutEnded = record.Content.Length == 0;
                return false;
            default:
                Assert.Equal(EndType, record.Type);
                Assert.Equal(8, record.Content.Length);
                _applicationStatus = BinaryPrimitives.ReadUInt32BigEndian(record.Content);
                _protocolStatus = record.Content[4];
                _ended.TrySetResult();
                return true;
        }
    }

    /// <param name="mustEnd">Whether END_REQUEST has to be there.</param>
    /// <param name="mayFail">Whether the web server has left before the request was over.</param>
    public void Verify(bool mustEnd, bool mayFail)
    {
        Assert.True(_ended.Task.IsCompleted || !mustEnd, $"END_REQUEST of {request} is missing.");
        if (!_ended.Task.IsCompleted)
        {
            VerifyBeginning();
            return;
        }

        if ((request.IsUncertain || mayFail) && _protocolStatus == Overloaded)
        {
            Assert.Empty(_stdout);
            return;
        }

        if (request.IsRefused)
        {
            Assert.Equal((UnknownRole, 0), (_protocolStatus, _stdout.Count));
            return;
        }

        Assert.Equal((request, Complete), (request, _protocolStatus));
        if (IsWhole())
        {
            Assert.Equal((request, 0u), (request, _applicationStatus));
            return;
        }

        Assert.True(
            mayFail || request.IsAborted || request.MayBreakConnection,
            $"The answer of {request} is not whole: {_stdout.Count} bytes, application status {_applicationStatus}.");
        Assert.True(mayFail || request.MayBreakConnection || _applicationStatus == 0, $"The abort of {request} was answered {_applicationStatus}.");
        if ((request.IsExceeded || request.IsTruncated) && _isStdoutEnded)
            Assert.InRange(RawResponse.Parse([.. _stdout]).StatusCode, 400, 499);
        else
            VerifyBeginning();
    }

    private bool IsWhole()
    {
        if (!_isStdoutEnded)
            return false;
        if (request.AreParamsCut)
            return RawResponse.Parse([.. _stdout]) is { StatusCode: 400, Body.Length: 0 };
        if (!request.AreParamsEnded || request.Behaviour is FastCgiBehaviour.Wait or FastCgiBehaviour.ThrowLate)
            return false;

        var response = RawResponse.Parse([.. _stdout]);
        return response.StatusCode == request.ExpectedStatus && IsOwn(response) && response.Body.AsSpan().SequenceEqual(request.ExpectedBody);
    }

    // Whatever came is the beginning of the request's own answer.
    private void VerifyBeginning()
    {
        if (_stdout.Count == 0 || request.AreParamsCut)
            return;

        Assert.True(request.AreParamsEnded, $"{request} is answered before its parameters are complete.");
        byte[] bytes = [.. _stdout];
        if (bytes.AsSpan().IndexOf("\r\n\r\n"u8) < 0)
            return;

        var response = RawResponse.Parse(bytes);
        Assert.Equal((request, request.ExpectedStatus), (request, response.StatusCode));
        Assert.True(IsOwn(response), $"The answer of {request} is another request's.");
        Assert.True(request.ExpectedBody.AsSpan().StartsWith(response.Body), $"The body of the answer of {request} is not its own.");
    }

    private bool IsOwn(RawResponse response) =>
        request.Behaviour == FastCgiBehaviour.Throw || response["X-Number"] == request.Number.ToString(CultureInfo.InvariantCulture);
}
