using System.Buffers;
using System.Net.Sockets;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>One request on a connection: sends and reads at the same time, each at its own pace.</summary>
internal sealed class Exchange(Link link, Door door, int generation, Random random)
{
    private const int ReadSize = 64 * 1024;

    /// <summary>On a connection of its own.</summary>
    public static async Task<Outcome> RunAsync(
        Door door, SoakRequest request, Manner manner, Random random, CancellationToken cancellationToken)
    {
        var generation = door.Server.Generation;
        Link link;
        try
        {
            link = await Link.ConnectAsync(door.EndPoint, manner is Manner.SlowReader or Manner.ResetInDownload, cancellationToken);
        }
        catch (SocketException refused)
        {
            return Refused(door, generation, refused);
        }

        using (link)
        {
            return await new Exchange(link, door, generation, random).RunAsync(request, manner, keep: false, id: 1, cancellationToken);
        }
    }

    public static Outcome Refused(Door door, int generation, SocketException refused) => door.Server.HasRestartedSince(generation)
        ? new(OutcomeKind.Retried)
        : new(OutcomeKind.Error, $"cannot connect: {refused.Message}");

    public async Task<Outcome> RunAsync(SoakRequest request, Manner manner, bool keep, ushort id, CancellationToken cancellationToken)
    {
        var bytes = RequestBytes.Encode(door.Protocol, request, keep, id, random);
        if (manner is Manner.ResetInHead or Manner.ResetInUpload)
        {
            await ResetWhileSendingAsync(bytes, manner, cancellationToken);
            return new(OutcomeKind.Provoked);
        }

        using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = SendAsync(bytes, manner, answered.Token);
        var frame = AnswerFrame.Create(door.Protocol, id);
        var limit = manner == Manner.ResetInDownload ? random.Next(1, 200 + request.DownloadLength) : long.MaxValue;
        ConnectionEnd end;
        try
        {
            end = await ReceiveAsync(frame, manner, keep, limit, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return new(OutcomeKind.Hang, $"{frame.Received} bytes came, sending {(sending.IsCompleted ? "has ended" : "goes on")}");
        }
        finally
        {
            if (limit == long.MaxValue && keep)
            {
                await sending;
            }

            await answered.CancelAsync();
            await sending;
        }

        if (limit != long.MaxValue)
        {
            link.Reset();
            return new(OutcomeKind.Provoked);
        }

        return Judgement.Of(door, generation, request, frame, end, mayBeCut: manner == Manner.HalfClose);
    }

    private async Task ResetWhileSendingAsync(RequestBytes bytes, Manner manner, CancellationToken cancellationToken)
    {
        try
        {
            var sent = manner == Manner.ResetInHead ? random.Next(bytes.Head.Length) : bytes.Head.Length;
            await link.SendAsync(bytes.Head.AsMemory(0, sent), cancellationToken);
            if (manner == Manner.ResetInUpload)
            {
                await link.SendAsync(bytes.Body.AsMemory(0, random.Next(bytes.Body.Length)), cancellationToken);
            }
        }
        catch (SocketException)
        {
            // The server stops.
        }

        link.Reset();
    }

    // A server need not read everything, so what counts is its answer.
    private async Task SendAsync(RequestBytes bytes, Manner manner, CancellationToken cancellationToken)
    {
        try
        {
            var slow = Pace.Slow(random);
            var full = Pace.None(random);
            await link.SendAsync(bytes.Head, manner == Manner.SlowHead ? slow : full, cancellationToken);
            await link.SendAsync(bytes.Body, manner == Manner.SlowBody ? slow : full, cancellationToken);
            if (manner == Manner.HalfClose)
            {
                link.EndSending();
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Told by the answer.
        }
    }

    private async Task<ConnectionEnd> ReceiveAsync(
        AnswerFrame frame, Manner manner, bool keep, long limit, CancellationToken cancellationToken)
    {
        var pace = manner == Manner.SlowReader ? Pace.Slow(random) : Pace.None(random);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            while (frame.Received < limit && !(keep && frame.IsComplete))
            {
                var count = await link.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, pace.NextPiece())), cancellationToken);
                if (count == 0)
                {
                    return ConnectionEnd.Orderly;
                }

                frame.Add(buffer.AsSpan(0, count));
                await pace.PauseAsync(cancellationToken);
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
