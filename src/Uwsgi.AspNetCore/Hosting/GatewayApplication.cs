using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The application as the host handed it to the server, without its context type: where connections send requests.</summary>
internal abstract class GatewayApplication
{
    /// <summary>Gets a clean request object.</summary>
    public abstract GatewayRequest Rent();

    /// <summary>Gives a request object back; one that may still be in use by somebody is dropped instead.</summary>
    /// <param name="request">The request object.</param>
    /// <param name="reuse">Whether nobody else can still use it.</param>
    /// <param name="facades">What stays with a connection that may have a next request.</param>
    public abstract void Return(GatewayRequest request, bool reuse, RequestFacades? facades = null);

    /// <summary>Runs the application on a request that has begun, and finishes the response.</summary>
    public abstract Task ProcessAsync(GatewayRequest request);
}

/// <summary>Runs requests in the order that Kestrel established and middleware depends on.</summary>
internal sealed class GatewayApplication<TContext>(
    IHttpApplication<TContext> application, ILogger logger, GatewayMetrics metrics, UpgradedConnections upgrades, bool pool)
    : GatewayApplication
    where TContext : notnull
{
    // Enough for the bursts of a busy front end, small enough to be forgotten: an idle request object holds a few kilobytes.
    private const int MaxPooled = 512;

    private readonly Pool<GatewayRequest> _pool = new(MaxPooled);

    public override GatewayRequest Rent() =>
        _pool.TryTake(out var request) ? request : new GatewayRequest<TContext>(logger) { Upgrades = upgrades };

    public override void Return(GatewayRequest request, bool reuse, RequestFacades? facades = null)
    {
        request.Reset();
        if (reuse && pool)
        {
            request.Detach(facades);
            _pool.Give(request);
        }
        else
        {
            request.Detach();
        }
    }

    public override async Task ProcessAsync(GatewayRequest request)
    {
        metrics.RequestStarted();
        try
        {
            TContext context;
            try
            {
                context = application.CreateContext(request);
            }
            catch (Exception error)
            {
                request.ReportApplicationError(error);
                await request.FinishResponseAsync();
                await request.FireOnCompletedAsync();
                return;
            }

            try
            {
                var running = application.ProcessRequestAsync(context);
                if (!running.IsCompleted)
                {
                    request.WatchConnection();
                }

                await running;
            }
            catch (BadHttpRequestException bad)
            {
                request.ReportBadRequest(bad);
            }
            catch (Exception gone) when (gone is OperationCanceledException or IOException && request.IsConnectionLost)
            {
                request.ReportCancelled(gone);
            }
            catch (Exception error)
            {
                request.ReportApplicationError(error);
            }

            await request.FinishResponseAsync();
            request.CloseFacades();
            await request.FireOnCompletedAsync();
            application.DisposeContext(context, request.ApplicationError);
        }
        finally
        {
            metrics.RequestEnded();
        }
    }
}
