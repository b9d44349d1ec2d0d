using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>Plays the steps of a model on a connection, and sorts what comes back.</summary>
internal sealed class FastCgiModelRun
{
    private readonly InMemoryConnection _connection;
    private readonly FastCgiModel _model;
    private readonly int[] _segments;
    private readonly TimeSpan _timeout;
    private readonly Dictionary<FastCgiModelRequest, FastCgiModelAnswer> _answers;
    private readonly Dictionary<ushort, Queue<FastCgiModelAnswer>> _dueById;
    private readonly List<(byte Type, byte Unknown)> _management = [];
    private readonly TaskCompletionSource _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _nextSegment;
    private string? _brokenOff;

    public FastCgiModelRun(InMemoryConnection connection, FastCgiModel model, int[] segments, TimeSpan timeout)
    {
        _connection = connection;
        _model = model;
        _segments = segments;
        _timeout = timeout;
        _answers = model.Requests.ToDictionary(request => request, request => new FastCgiModelAnswer(request));
        _dueById = _answers.Values.GroupBy(answer => answer.Request.Id).ToDictionary(group => group.Key, group => new Queue<FastCgiModelAnswer>(group));
    }

    /// <summary>Gets how the server has cut the connection off; null when it has not.</summary>
    public string? Cut => _connection.AbortReason?.Message ?? _brokenOff;

    /// <summary>Plays everything to the connection's end.</summary>
    public async Task PlayAsync()
    {
        var reading = ReadAsync();
        foreach (var step in _model.Steps)
        {
            if (step.Begun is { } begun)
                _answers[begun].MarkBegun();
            if (step.Awaited is { } awaited)
                await WaitAsync(Task.WhenAny(_answers[awaited].Ended, reading).Unwrap(), $"the end of {awaited}");
            else
                await SendAsync(step.Bytes);
        }

        await LeaveAsync(reading);
        await WaitAsync(_connection.Disposed, "the connection's end");
        try
        {
            await WaitAsync(reading, "the answers' end");
        }
        catch (InvalidOperationException) when (_model.Ending is FastCgiEnding.Close or FastCgiEnding.Reset)
        {
            // That is what reading on a connection meets which this side has closed.
        }
        finally
        {
            _connection.Client.Close();
        }
    }

    /// <summary>Compares what came with what was due.</summary>
    public void Verify()
    {
        var isCut = Cut is not null || (!_model.IsFatal && _model.Ending != FastCgiEnding.Finish);
        if (Cut is { } cut)
            Assert.True(_model.IsFatal || _model.MayBreak || _model.Ending != FastCgiEnding.Finish, $"The server has aborted the connection: {cut}");
        else
            Assert.True(!_model.IsFatal || _model.MayClose, "The server has overlooked a broken rule.");

        foreach (var answer in _answers.Values)
        {
            answer.Verify(
                mustEnd: Cut is null && _model.Owes(answer.Request),
                mayFail: _model.Ending != FastCgiEnding.Finish && !_model.Owes(answer.Request));
        }

        Assert.Equal(_model.Management.Take(_management.Count), _management);
        if (!isCut)
            Assert.True(_management.Count >= _model.CertainManagement, $"{_model.CertainManagement - _management.Count} management record(s) are missing.");
    }

    private async Task LeaveAsync(Task reading)
    {
        if (_model.IsFatal)
            return;

        switch (_model.Ending)
        {
            case FastCgiEnding.Finish when !_model.MayClose && !_model.MayBreak:
                // Whatever the connection has been through, it is in order.
                await SendAsync(Record(254, 0));
                await WaitAsync(Task.WhenAny(_probed.Task, reading).Unwrap(), "an answer on the kept connection");
                Assert.True(_probed.Task.IsCompleted, $"The server has closed a connection that it was to keep: {_connection.AbortReason}");
                break;
            case FastCgiEnding.Finish when _model.MustClose && !_model.MayBreak:
                await WaitAsync(_connection.Disposed, "the server's closing of the connection");
                return;
            case FastCgiEnding.Close:
                _connection.Client.Close();
                return;
            case FastCgiEnding.Reset:
                _connection.Client.Reset();
                return;
        }

        _connection.Client.CompleteSending();
    }

    private async Task SendAsync(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var count = Math.Min(_segments[_nextSegment++ % _segments.Length], bytes.Length - at);
            await WaitAsync(_connection.Client.SendAsync(bytes.AsMemory(at, count)), "the server to read");
            at += count;
        }
    }

    private async Task ReadAsync()
    {
        var client = new FastCgiClient(_connection);
        try
        {
            while (true)
                Sort(await client.ReadRecordAsync());
        }
        catch (EndOfStreamException end)
        {
            Assert.True(end.Message.EndsWith("Received: ''", StringComparison.Ordinal), "The connection ends inside a record.");
        }
        catch (ConnectionResetException reset)
        {
            // The server has given up, which is judged at the end.
            _brokenOff = client.IsBrokenOff ? reset.Message : null;
        }
    }

    private void Sort(FastCgiAnswerRecord record)
    {
        if (record.Id != 0)
        {
            var isDue = _dueById.TryGetValue(record.Id, out var queue) && queue.Count > 0;
            Assert.True(isDue && queue!.Peek().IsBegun, $"A record of type {record.Type} for id {record.Id}, which has no request.");
            if (queue!.Peek().Add(record))
                queue.Dequeue();
        }
        else if (record.Type == UnknownTypeType && record.Content[0] == 254 && _model.Management.Count == _management.Count)
        {
            _probed.TrySetResult();
        }
        else
        {
            _management.Add((record.Type, record.Type == UnknownTypeType ? record.Content[0] : (byte)0));
        }
    }

    private async Task WaitAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(_timeout);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"Waited in vain for {what}.", late);
        }
    }
}
