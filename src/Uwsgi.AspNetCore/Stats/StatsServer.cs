using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Listens on the sockets of the statistics and gives each client the document.</summary>
/// <remarks>
/// Not on Kestrel's endpoints: these sockets neither count towards its limits, so that a server with no connection left can still be
/// looked at, nor do they take away its default address when nothing else is configured; and they answer until the last request is drained.
/// </remarks>
internal sealed class StatsServer : IDisposable
{
    private const int MaxConnections = 64;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly UwsgiOptions _options;
    private readonly GatewayServices _services;
    private readonly GatewayListenerFactory _listeners;
    private readonly StatsDocument _document;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(StatsEndPoint EndPoint, Socket Socket)> _bound = [];
    private readonly LimitedCounter _connections = new();
    private Task[] _accepting = [];

    public StatsServer(
        IOptions<UwsgiOptions> options,
        GatewayServices services,
        GatewayListenerFactory listeners,
        StatsDocument document,
        ILoggerFactory loggerFactory)
    {
        _options = options.Value;
        _services = services;
        _listeners = listeners;
        _document = document;
        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore.Stats");
    }

    /// <summary>Gets the endpoints that are bound, with the ports the system chose.</summary>
    public IEnumerable<StatsEndPoint> Bound => _bound.Select(static entry => entry.EndPoint);

    /// <summary>Binds all sockets, and accepts.</summary>
    /// <exception cref="IOException">An address is in use, or cannot be listened on.</exception>
    public void Start()
    {
        foreach (var address in _options.Stats)
        {
            if (GatewayAddress.TryParse(address, out var endPoints) is { } error)
            {
                throw new FormatException($"The address '{address}' cannot be used: {error}.");
            }

            foreach (var endPoint in endPoints)
            {
                Bind(address, endPoint);
            }
        }

        _accepting = [.. _bound.Select(entry => AcceptAsync(entry.Socket))];
    }

    /// <summary>Closes the sockets and what is left of the connections.</summary>
    public async Task StopAsync()
    {
        Dispose();
        await Task.WhenAll(_accepting);
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (var (_, socket) in _bound)
        {
            socket.Dispose();
        }
    }

    private void Bind(string address, EndPoint endPoint)
    {
        try
        {
            var socket = _listeners.CreateBoundSocket(endPoint);
            _bound.Add((new StatsEndPoint(endPoint, socket.LocalEndPoint ?? endPoint), socket));
            socket.Listen(_options.Backlog);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new IOException(
                $"Uwsgi:Stats: '{address}' cannot be listened on: another process is using {new StatsEndPoint(endPoint, endPoint).Url}. Stop it, or choose another address.",
                error);
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Uwsgi:Stats: '{address}' cannot be listened on: {error.Message.TrimEnd('.')}. Choose an address of this machine that this process may use.", error);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Serve(await listener.AcceptAsync(_stop.Token));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client has gone already.
                Log.StatsAcceptFailed(_logger, error);
            }
            catch (SocketException error)
            {
                // No descriptor is left, for instance. That passes, and must not make this a busy loop meanwhile.
                Log.StatsAcceptFailed(_logger, error);
                await PauseAsync();
            }
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(RetryDelay, _services.Clock.Time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Serve(Socket client)
    {
        var peer = client.AddressFamily == AddressFamily.Unix ? null : client.RemoteEndPoint;
        if (!_services.Settings.AllowFrom.Contains(peer))
        {
            Log.StatsPeerRefused(_logger, ((IPEndPoint)peer!).Address);
            client.Dispose();
        }
        else if (!_connections.TryAdd(MaxConnections))
        {
            Log.StatsConnectionLimit(_logger, MaxConnections);
            client.Dispose();
        }
        else
        {
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            await new StatsConnection(client, _document, _options, _services.Clock.Time).RunAsync(_stop.Token);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Gone, too slow, or the server stops.
            Log.StatsConnectionDropped(_logger, error);
        }
        catch (Exception error)
        {
            Log.StatsDocumentFailed(_logger, error);
        }
        finally
        {
            client.Dispose();
            _connections.Remove();
        }
    }
}
