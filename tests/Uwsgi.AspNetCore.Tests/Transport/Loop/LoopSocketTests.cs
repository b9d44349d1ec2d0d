using System.Buffers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Transport.Loop;

/// <summary>Reads and writes of a connection against the threads of the loop, which pass on what they receive and send meanwhile.</summary>
public class LoopSocketTests
{
    [SkippableFact]
    public async Task Reads_that_are_given_up_all_the_time_lose_no_byte_and_no_event()
    {
        const int Count = 200_000;
        await using var harness = new LoopHarness(async connection =>
        {
            var input = connection.Transport.Input;
            using var over = new CancellationTokenSource();
            var received = 0L;
            var cancelling = Task.Run(() =>
            {
                while (!over.IsCancellationRequested)
                {
                    input.CancelPendingRead();
                }
            });
            while (received < Count)
            {
                var read = await input.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    AssertSequence(segment.Span, received);
                    received += segment.Length;
                }

                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            await over.CancelAsync();
            await cancelling;
            await connection.Transport.Output.WriteAsync(BitConverter.GetBytes(received));
        });
        using var client = await harness.ConnectAsync();

        // Each piece only when the one before is in, so that the reader has to wait for it.
        for (var sent = 0; sent < Count; sent++)
        {
            Assert.Equal(1, await client.SendAsync(new[] { (byte)sent }).WithTimeoutAsync());
        }

        var answer = new byte[8];
        await ReadAsync(client, answer);
        Assert.Equal(Count, BitConverter.ToInt64(answer));
    }

    [SkippableFact]
    public async Task The_end_of_the_input_is_not_lost_on_reads_that_are_given_up_meanwhile()
    {
        const int Count = 3000;
        await using var harness = new LoopHarness(async connection =>
        {
            var input = connection.Transport.Input;
            var isOver = false;
            var cancelling = Task.Run(() =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    input.CancelPendingRead();
                }
            });
            try
            {
                while (true)
                {
                    var read = await input.ReadAsync();
                    input.AdvanceTo(read.Buffer.End);
                    if (read.IsCompleted)
                    {
                        break;
                    }
                }
            }
            finally
            {
                Volatile.Write(ref isOver, true);
                await cancelling;
            }

            await connection.Transport.Output.WriteAsync(new byte[] { 7 });
        });
        var answer = new byte[1];

        for (var i = 0; i < Count; i++)
        {
            using var client = await harness.ConnectAsync();
            await client.SendAsync(answer).WithTimeoutAsync();
            client.Shutdown(SocketShutdown.Send);
            await ReadAsync(client, answer);
            Assert.Equal(7, answer[0]);
        }

        harness.Logs.AssertNoErrors();
    }

    [SkippableFact]
    public async Task A_reader_that_only_polls_gets_all_pieces()
    {
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var harness = new LoopHarness(async connection =>
        {
            var input = connection.Transport.Input;
            for (var received = 0L; received < 2;)
            {
                if (!input.TryRead(out var read))
                {
                    isWaiting.TrySetResult();
                    await Task.Yield();
                    continue;
                }

                received += read.Buffer.Length;
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }

            await connection.Transport.Output.WriteAsync(new byte[] { 7 });
        });
        using var client = await harness.ConnectAsync();
        var piece = new byte[1];
        await client.SendAsync(piece).WithTimeoutAsync();
        await isWaiting.Task.WithTimeoutAsync();

        await client.SendAsync(piece).WithTimeoutAsync();

        await ReadAsync(client, piece);
        Assert.Equal(7, piece[0]);
    }

    [SkippableFact]
    public async Task A_reader_that_goes_on_while_a_thread_passes_on_bytes_hears_of_the_next_ones()
    {
        const int Rounds = 50_000;
        await using var harness = new LoopHarness(async connection =>
        {
            var input = connection.Transport.Input;
            while (true)
            {
                var reading = input.ReadAsync();
                // Not awaited in the ordinary way: the reader is not the continuation of what the thread has set free, but runs beside it.
                var spin = default(SpinWait);
                while (!reading.IsCompleted)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }

                var read = await reading;
                var count = read.Buffer.Length;
                input.AdvanceTo(read.Buffer.End);
                if (count == 0)
                {
                    break;
                }

                await connection.Transport.Output.WriteAsync(new byte[count]);
            }
        });
        using var client = await harness.ConnectAsync();
        var byteBack = new byte[1];

        for (var round = 0; round < Rounds; round++)
        {
            await client.SendAsync(byteBack).WithTimeoutAsync();
            await ReadAsync(client, byteBack);
        }
    }

    [SkippableFact]
    public async Task Small_flushes_against_a_slow_reader_all_arrive()
    {
        const int Count = 4_000_000;
        await using var harness = new LoopHarness(async connection =>
        {
            var output = connection.Transport.Output;
            var random = new Random(1);
            for (var sent = 0; sent < Count;)
            {
                var size = Math.Min(random.Next(1, 3000), Count - sent);
                Fill(output.GetSpan(size)[..size], sent);
                output.Advance(size);
                await output.FlushAsync();
                sent += size;
            }
        });
        using var client = await harness.ConnectAsync();
        var random = new Random(2);
        var buffer = new byte[100_000];
        var received = 0L;

        while (await client.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length))).WithTimeoutAsync() is > 0 and var count)
        {
            AssertSequence(buffer.AsSpan(0, count), received);
            received += count;
        }

        Assert.Equal(Count, received);
    }

    [SkippableFact]
    public async Task More_connections_than_are_kept_for_later_are_told_apart()
    {
        const int Count = 1500;
        await using var harness = new LoopHarness(async connection =>
        {
            var read = await connection.Transport.Input.ReadAsync();
            // The client goes only when it has its answer.
            Assert.False(connection.ConnectionClosed.IsCancellationRequested);
            await connection.Transport.Output.WriteAsync(read.Buffer.ToArray());
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        });

        for (var round = 0; round < 2; round++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => harness.ConnectAsync()));
            var echoes = await Task.WhenAll(clients.Select(async (client, number) =>
            {
                await client.SendAsync(BitConverter.GetBytes(number)).WithTimeoutAsync();
                var echo = new byte[4];
                await ReadAsync(client, echo);
                client.Dispose();
                return BitConverter.ToInt32(echo);
            }));
            Assert.Equal(Enumerable.Range(0, Count), echoes);
        }

        harness.Logs.AssertNoErrors();
    }

    [SkippableFact]
    public async Task Aborts_from_anywhere_at_any_time_harm_nobody_else()
    {
        const int Count = 400;
        await using var harness = new LoopHarness(async connection =>
        {
            try
            {
                while (true)
                {
                    var read = await connection.Transport.Input.ReadAsync();
                    if (read.IsCompleted)
                    {
                        return;
                    }

                    var bytes = read.Buffer.ToArray();
                    connection.Transport.Input.AdvanceTo(read.Buffer.End);
                    if (bytes[0] == 1)
                    {
                        _ = Task.Run(() => connection.Abort(new ConnectionAbortedException("Asked for.")));
                    }

                    await connection.Transport.Output.WriteAsync(bytes);
                }
            }
            catch (ConnectionAbortedException)
            {
                // Asked for.
            }
        });

        await Task.WhenAll(Enumerable.Range(0, Count).Select(async number =>
        {
            using var client = await harness.ConnectAsync();
            var isAborted = (byte)(number % 2);
            byte[] message = [isAborted, (byte)number];
            for (var i = 0; i < 20; i++)
            {
                try
                {
                    await client.SendAsync(message).WithTimeoutAsync();
                    var echo = new byte[2];
                    await ReadAsync(client, echo);
                    Assert.Equal(message, echo);
                }
                catch (Exception gone) when (gone is SocketException or EndOfStreamException && isAborted == 1)
                {
                    return;
                }
            }
        }));

        harness.Logs.AssertNoErrors();
    }

    [SkippableFact]
    public async Task A_handler_that_fails_gives_its_place_in_the_limit_back()
    {
        var calls = 0;
        await using var harness = new LoopHarness(
            connection => Interlocked.Increment(ref calls) <= 3
                ? throw new InvalidOperationException("Boom.")
                : connection.Transport.Output.WriteAsync(new byte[] { 7 }).AsTask(),
            kestrel => kestrel.Limits.MaxConcurrentConnections = 1);

        for (var i = 0; i < 3; i++)
        {
            using var failing = await harness.ConnectAsync();
            await Record.ExceptionAsync(() => ReadAsync(failing, new byte[1]));
        }

        using var client = await harness.ConnectAsync();
        var answer = new byte[1];
        await ReadAsync(client, answer);
        Assert.Equal(7, answer[0]);
        Assert.Equal(3, harness.Logs.Find("HandlerFailed").Count);
    }

    private static async Task ReadAsync(Socket client, Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = await client.ReceiveAsync(buffer).WithTimeoutAsync();
            if (count == 0)
            {
                throw new EndOfStreamException();
            }

            buffer = buffer[count..];
        }
    }

    private static void Fill(Span<byte> bytes, long position)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(position + i);
        }
    }

    private static void AssertSequence(ReadOnlySpan<byte> bytes, long position)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != (byte)(position + i))
            {
                throw new InvalidDataException($"The byte at {position + i} is wrong.");
            }
        }
    }
}
