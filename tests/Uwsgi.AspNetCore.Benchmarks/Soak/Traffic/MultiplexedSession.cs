using System.Buffers;
using System.Net.Sockets;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Several requests at once on one FastCGI connection, their records mixed, some of them aborted.</summary>
internal sealed class MultiplexedSession(Door door, RequestMix mix, Random random)
{
    private const int MostRequests = 8;
    private const int PieceLength = 8000;

    private readonly Dictionary<ushort, SoakRequest> _requests = [];
    private readonly HashSet<ushort> _aborted = [];
    private readonly FastCgiAnswers _answers = new();

    public async Task RunAsync(Action<SoakRequest?, Outcome> report, CancellationToken cancellationToken)
    {
        var records = Prepare();
        var generation = door.Server.Generation;
        var end = ConnectionEnd.Open;
        try
        {
            using var link = await Link.ConnectAsync(door.EndPoint, hasSmallBuffer: false, cancellationToken);
            var sending = SendAsync(link, records, cancellationToken);
            end = await ReceiveAsync(link, cancellationToken);
            link.Dispose();
            await sending;
        }
        catch (SocketException refused)
        {
            report(null, Exchange.Refused(door, generation, refused));
            return;
        }
        catch (OperationCanceledException)
        {
            var open = _requests.Where(request => !_answers.HasEnded(request.Key)).Select(request =>
                $"{request.Key} ({request.Value}, {_answers[request.Key].Length} bytes came{(_aborted.Contains(request.Key) ? ", aborted" : "")})");
            report(null, new(OutcomeKind.Hang, $"of {_requests.Count} requests remain {string.Join(", ", open)}"));
            return;
        }

        foreach (var (id, request) in _requests)
        {
            report(request, await Guard.RunAsync(() => Task.FromResult(Judge(id, request, end, generation))));
        }
    }

    private Outcome Judge(ushort id, SoakRequest request, ConnectionEnd end, int generation)
    {
        var mayBeCut = _aborted.Contains(id);
        var bytes = _answers[id];
        var what = $"as {id} of {string.Join(", ", _requests.Keys)}{(_aborted.Count > 0 ? $", aborted {string.Join(", ", _aborted)}" : "")}, then {end}";
        if (_answers.IsRefused(id) && door.Server.HasRestartedSince(generation))
        {
            return new(OutcomeKind.Retried);
        }

        if (!_answers.HasEnded(id) && !mayBeCut)
        {
            return bytes.Length == 0 && door.Server.HasRestartedSince(generation)
                ? new(OutcomeKind.Retried)
                : new(OutcomeKind.Mismatch, $"no END_REQUEST behind {bytes.Length} bytes, {what}");
        }

        if (Answer.TryParse(bytes, _answers.HasEnded(id)) is not { } answer)
        {
            return mayBeCut ? new(OutcomeKind.Provoked) : new(OutcomeKind.Mismatch, $"{bytes.Length} bytes without a whole head, {what}");
        }

        return request.FindFault(answer, mayBeCut) is { } fault
            ? new(OutcomeKind.Mismatch, $"{fault}, {what}")
            : new(mayBeCut ? OutcomeKind.Provoked : OutcomeKind.Right);
    }

    // The order within a request stays; whose turn it is, is left to chance.
    private List<byte[]> Prepare()
    {
        var queues = new List<Queue<byte[]>>();
        var id = (ushort)random.Next(1, 60_000);
        for (var left = random.Next(2, MostRequests); left > 0; left--, id += (ushort)random.Next(1, 5))
        {
            var request = mix.Next(door);
            _requests.Add(id, request);
            _answers.Expect(id);
            queues.Add(new Queue<byte[]>(Split(id, request)));
        }

        var records = new List<byte[]>();
        while (queues.Count > 0)
        {
            var queue = queues[random.Next(queues.Count)];
            records.Add(queue.Dequeue());
            if (queue.Count == 0)
            {
                queues.Remove(queue);
            }
        }

        return records;
    }

    private List<byte[]> Split(ushort id, SoakRequest request)
    {
        List<byte[]> records = [FastCgiBytes.Head(id, request.ToPacket(), keep: true)];
        var body = request.Body;
        for (var sent = 0; sent < body.Length; sent += PieceLength)
        {
            var piece = body.AsSpan(sent, Math.Min(PieceLength, body.Length - sent));
            records.Add(FastCgiBytes.Record(FastCgiBytes.StdinType, id, piece, padding: (byte)random.Next(8)));
        }

        records.Add(FastCgiBytes.End(FastCgiBytes.StdinType, id));
        if (random.Next(8) == 0)
        {
            _aborted.Add(id);
            var from = random.Next(1, records.Count + 1);
            records.RemoveRange(from, records.Count - from);
            records.Add(FastCgiBytes.Abort(id));
        }

        return records;
    }

    private static async Task SendAsync(Link link, List<byte[]> records, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var record in records)
            {
                await link.SendAsync(record, cancellationToken);
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Told by the answers.
        }
    }

    private async Task<ConnectionEnd> ReceiveAsync(Link link, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (_answers.Ended < _requests.Count)
            {
                var count = await link.ReceiveAsync(buffer, cancellationToken);
                if (count == 0)
                {
                    return ConnectionEnd.Orderly;
                }

                _answers.Add(buffer.AsSpan(0, count));
            }

            return ConnectionEnd.Open;
        }
        catch (SocketException)
        {
            return ConnectionEnd.Reset;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
