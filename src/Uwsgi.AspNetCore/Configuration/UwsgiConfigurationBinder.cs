using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Reads the section "Uwsgi" into the options.</summary>
/// <remarks>
/// Written out instead of bound by the framework's binder for three reasons: a list may be one string, a number may mean seconds, and a
/// value that cannot be read is reported together with every other mistake instead of ending the start at the first.
/// </remarks>
internal sealed class UwsgiConfigurationBinder(IConfiguration configuration) : IConfigureOptions<UwsgiOptions>
{
    public const string SectionName = "Uwsgi";

    public void Configure(UwsgiOptions options)
    {
        var section = new ConfigurationReader(configuration.GetSection(SectionName), options.ConfigurationErrors);
        section.List(nameof(options.Sockets), options.Sockets.Add);
        section.List(nameof(options.FastCgiSockets), options.FastCgiSockets.Add);
        section.List(nameof(options.ScgiSockets), options.ScgiSockets.Add);
        section.List(nameof(options.AutoSockets), options.AutoSockets.Add);
        section.Text(nameof(options.SocketMode), value => options.SocketMode = value);
        section.Text(nameof(options.SocketOwner), value => options.SocketOwner = value);
        section.Text(nameof(options.SocketGroup), value => options.SocketGroup = value);
        section.Integer(nameof(options.Backlog), value => options.Backlog = value);
        section.Enumeration<UwsgiTransport>(nameof(options.Transport), value => options.Transport = value);
        section.Boolean(nameof(options.Vacuum), value => options.Vacuum = value);
        section.List(nameof(options.AllowFrom), options.AllowFrom.Add);
        section.Integer(nameof(options.BufferSize), value => options.BufferSize = value);
        section.Enumeration<ScriptNameMode>(nameof(options.ScriptName), value => options.ScriptName = value);
        section.Text(nameof(options.PathBase), value => options.PathBase = value.Length == 0 ? null : value);
        section.Boolean(nameof(options.PreserveEncodedSlashes), value => options.PreserveEncodedSlashes = value);
        section.IntegerList(nameof(options.Modifiers), options.Modifiers.Add);
        section.Boolean(nameof(options.AllowUpgrade), value => options.AllowUpgrade = value);
        section.Boolean(nameof(options.AllowFastCgiUpgrade), value => options.AllowFastCgiUpgrade = value);
        section.Boolean(nameof(options.MultiplexFastCgi), value => options.MultiplexFastCgi = value);
        section.Boolean(nameof(options.AllowSynchronousIO), value => options.AllowSynchronousIO = value);
        section.Boolean(nameof(options.AddServerHeader), value => options.AddServerHeader = value);
        section.Boolean(nameof(options.AddDateHeader), value => options.AddDateHeader = value);
        section.Boolean(nameof(options.AbortOnHalfClose), value => options.AbortOnHalfClose = value);
        section.Boolean(nameof(options.ForwardClientCertificate), value => options.ForwardClientCertificate = value);
        section.Boolean(nameof(options.ForwardRemoteUser), value => options.ForwardRemoteUser = value);
        section.Boolean(nameof(options.SendAccelBuffering), value => options.SendAccelBuffering = value);
        section.Boolean(nameof(options.PoolRequests), value => options.PoolRequests = value);
        BindMounts(options, section);
        BindStaticFiles(options, section);
        BindHarakiri(options, section);
        BindStats(options, section);
        BindRequestLog(options, section);
        var limits = section.Section(nameof(options.Limits));
        BindLimits(options.Limits, limits);
        limits.ReportUnknownKeys();
        section.ReportUnknownKeys();
    }

    private static void BindMounts(UwsgiOptions options, ConfigurationReader section)
    {
        section.Dictionary(nameof(options.Mounts), (key, mount) =>
        {
            if (mount.Value is { } app)
            {
                options.Mounts[key] = app;
                return;
            }

            var name = string.Empty;
            TimeSpan? harakiri = null;
            mount.Text(nameof(UwsgiMount.App), value => name = value);
            mount.Duration(nameof(UwsgiMount.Harakiri), value => harakiri = value);
            mount.ReportUnknownKeys();
            options.Mounts[key] = new UwsgiMount(name) { Harakiri = harakiri };
        });
        section.Boolean(nameof(options.ManageScriptName), value => options.ManageScriptName = value);
        section.Boolean(nameof(options.NoDefaultApp), value => options.NoDefaultApp = value);
        section.Boolean(nameof(options.DynamicApps), value => options.DynamicApps = value);
    }

    private static void BindStaticFiles(UwsgiOptions options, ConfigurationReader section)
    {
        section.List(nameof(options.CheckStatic), options.CheckStatic.Add);
        section.TextDictionary(nameof(options.StaticMap), options.StaticMap);
        section.List(nameof(options.StaticIndex), options.StaticIndex.Add);
        section.List(nameof(options.StaticSkipExt), options.StaticSkipExt.Add);
        section.List(nameof(options.StaticSafe), options.StaticSafe.Add);
        section.Lines(nameof(options.StaticExpires), options.StaticExpires.Add);
        section.DurationDictionary(nameof(options.StaticExpiresType), options.StaticExpiresType);
        if (section.IsText(nameof(options.MimeTypes)))
        {
            section.Text(nameof(options.MimeTypes), value => options.MimeFile = value);
        }
        else
        {
            section.TextDictionary(nameof(options.MimeTypes), options.MimeTypes);
        }

        section.Text(nameof(options.MimeFile), value => options.MimeFile = value);
        section.Boolean(nameof(options.StaticGzip), value => options.StaticGzip = value);
        section.Enumeration<FileServeMode>(nameof(options.FileServeMode), value => options.FileServeMode = value);
        section.TextDictionary(nameof(options.FileServeMap), options.FileServeMap);
    }

    private static void BindHarakiri(UwsgiOptions options, ConfigurationReader section)
    {
        section.Duration(nameof(options.Harakiri), value => options.Harakiri = value);
        section.Duration(nameof(options.HarakiriGrace), value => options.HarakiriGrace = value);
        section.Integer(nameof(options.HarakiriMaxStuck), value => options.HarakiriMaxStuck = value);
        section.Enumeration<HarakiriAction>(nameof(options.HarakiriAction), value => options.HarakiriAction = value);
        section.OptionalLong(nameof(options.MaxRequests), value => options.MaxRequests = value);
        section.Duration(nameof(options.MaxWorkerLifetime), value => options.MaxWorkerLifetime = value);
        section.OptionalLong(nameof(options.ReloadOnRss), value => options.ReloadOnRss = value);
    }

    private static void BindStats(UwsgiOptions options, ConfigurationReader section)
    {
        section.List(nameof(options.Stats), options.Stats.Add);
        section.Boolean(nameof(options.StatsHttp), value => options.StatsHttp = value);
        section.Boolean(nameof(options.StatsMinified), value => options.StatsMinified = value);
    }

    private static void BindRequestLog(UwsgiOptions options, ConfigurationReader section)
    {
        section.Text(nameof(options.LogFormat), value => options.LogFormat = value.Length == 0 ? null : value);
        section.Boolean(nameof(options.DisableLogging), value => options.DisableLogging = value);
        section.Integer(nameof(options.LogSlow), value => options.LogSlow = value);
        section.Boolean(nameof(options.Log4xx), value => options.Log4xx = value);
        section.Boolean(nameof(options.Log5xx), value => options.Log5xx = value);
        section.Boolean(nameof(options.LogXForwardedFor), value => options.LogXForwardedFor = value);
    }

    private static void BindLimits(UwsgiLimits limits, ConfigurationReader section)
    {
        section.OptionalLong(nameof(limits.MaxRequestBodySize), value => limits.MaxRequestBodySize = value);
        section.Duration(nameof(limits.RequestHeadersTimeout), value => limits.RequestHeadersTimeout = value);
        section.Duration(nameof(limits.RequestBodyTimeout), value => limits.RequestBodyTimeout = value);
        section.DataRate(nameof(limits.MinRequestBodyDataRate), value => limits.MinRequestBodyDataRate = value);
        section.DataRate(nameof(limits.MinResponseDataRate), value => limits.MinResponseDataRate = value);
        section.OptionalLong(nameof(limits.MaxDrainBytes), value => limits.MaxDrainBytes = value);
        section.Duration(nameof(limits.DrainTimeout), value => limits.DrainTimeout = value);
        section.OptionalLong(nameof(limits.MaxConcurrentConnections), value => limits.MaxConcurrentConnections = value);
        section.OptionalLong(nameof(limits.MaxConcurrentUpgradedConnections), value => limits.MaxConcurrentUpgradedConnections = value);
        section.Integer(nameof(limits.MaxRequestHeaderCount), value => limits.MaxRequestHeaderCount = value);
        section.Duration(nameof(limits.KeepAliveTimeout), value => limits.KeepAliveTimeout = value);
        section.Integer(nameof(limits.MaxRequestsPerConnection), value => limits.MaxRequestsPerConnection = value);
        section.Integer(nameof(limits.MaxHalfOpenRequests), value => limits.MaxHalfOpenRequests = value);
        section.Duration(nameof(limits.StalledBodyTimeout), value => limits.StalledBodyTimeout = value);
    }
}
