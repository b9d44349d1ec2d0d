using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest :
    IHttpRequestFeature, IHttpConnectionFeature, IHttpRequestIdentifierFeature, IServerVariablesFeature, IEndpointFeature,
    IRouteValuesFeature, IGatewayFeature
{
    private readonly RequestHeaders _requestHeaders = new();
    private readonly RecentPaths _recentPaths = new();
    private IHeaderDictionary? _replacedRequestHeaders;
    private string _method = string.Empty;
    private string _protocol = string.Empty;
    private string _scheme = string.Empty;
    private string _pathBase = string.Empty;
    private string _path = string.Empty;
    private string? _queryString;
    private string? _rawTarget;
    private string? _traceIdentifier;
    private string? _connectionId;
    private Overridable<IPAddress?> _remoteAddress;
    private Overridable<IPAddress?> _localAddress;
    private Overridable<int> _remotePort;
    private Overridable<int> _localPort;
    private Dictionary<string, string?>? _variableOverrides;
    private Endpoint? _endpoint;
    private RouteValueDictionary? _routeValues;

    string IHttpRequestFeature.Method { get => _method; set => _method = value; }

    string IHttpRequestFeature.Protocol { get => _protocol; set => _protocol = value; }

    string IHttpRequestFeature.Scheme { get => _scheme; set => _scheme = value; }

    string IHttpRequestFeature.PathBase { get => _pathBase; set => _pathBase = value; }

    string IHttpRequestFeature.Path { get => _path; set => _path = value; }

    string IHttpRequestFeature.QueryString
    {
        get => _queryString ??= RequestMapper.GetQueryString(Variables);
        set => _queryString = value;
    }

    string IHttpRequestFeature.RawTarget
    {
        get => _rawTarget ??= GetRawTarget();
        set => _rawTarget = value;
    }

    IHeaderDictionary IHttpRequestFeature.Headers
    {
        get => _replacedRequestHeaders ?? _requestHeaders;
        set => _replacedRequestHeaders = value;
    }

    string IHttpConnectionFeature.ConnectionId
    {
        get => _connectionId ??= Exchange.Connection.ConnectionId;
        set => _connectionId = value;
    }

    IPAddress? IHttpConnectionFeature.RemoteIpAddress
    {
        get => _remoteAddress.IsSet ? _remoteAddress.Value : _remoteAddress.Set(RequestMapper.ParseAddress(Variables[KnownVariable.RemoteAddr]));
        set => _remoteAddress.Set(value);
    }

    IPAddress? IHttpConnectionFeature.LocalIpAddress
    {
        get => _localAddress.IsSet ? _localAddress.Value : _localAddress.Set(RequestMapper.ParseAddress(Variables[KnownVariable.ServerAddr]));
        set => _localAddress.Set(value);
    }

    int IHttpConnectionFeature.RemotePort
    {
        get => _remotePort.IsSet ? _remotePort.Value : _remotePort.Set(RequestMapper.ParsePort(Variables[KnownVariable.RemotePort]));
        set => _remotePort.Set(value);
    }

    int IHttpConnectionFeature.LocalPort
    {
        get => _localPort.IsSet ? _localPort.Value : _localPort.Set(RequestMapper.ParsePort(Variables[KnownVariable.ServerPort]));
        set => _localPort.Set(value);
    }

    string IHttpRequestIdentifierFeature.TraceIdentifier
    {
        get => _traceIdentifier ??= CreateTraceIdentifier();
        set => _traceIdentifier = value;
    }

    Endpoint? IEndpointFeature.Endpoint { get => _endpoint; set => _endpoint = value; }

    RouteValueDictionary IRouteValuesFeature.RouteValues
    {
        get => _routeValues ??= [];
        set => _routeValues = value;
    }

    GatewayProtocol IGatewayFeature.Protocol => Exchange.Protocol;

    int IGatewayFeature.Modifier1 => Exchange.Modifier1;

    int IGatewayFeature.Modifier2 => Exchange.Modifier2;

    IEnumerable<KeyValuePair<string, string>> IGatewayFeature.Variables
    {
        get
        {
            for (var i = 0; i < Variables.Count; i++)
            {
                yield return new(GatewayVariables.GetString(Variables.Name(i)), GatewayVariables.GetString(Variables.Value(i)));
            }
        }
    }

    string? IServerVariablesFeature.this[string variableName]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(variableName);
            return _variableOverrides?.TryGetValue(variableName, out var replaced) == true ? replaced
                : Variables.TryGetValue(variableName, out var value) ? GatewayVariables.GetString(value)
                : null;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(variableName);
            (_variableOverrides ??= new(StringComparer.Ordinal))[variableName] = value;
        }
    }

    private void BeginRequest()
    {
        _requestHeaders.Load(Variables, Settings);
        _method = RequestMapper.GetMethod(Variables);
        _protocol = RequestMapper.GetProtocol(Variables);
        _scheme = RequestMapper.GetScheme(Variables);
        RequestMapper.CheckTarget(Variables);
        (_pathBase, _path) = RequestMapper.GetPath(Variables, Settings, (byte)Exchange.Modifier1, _recentPaths);
        RequestMapper.MapHost(Variables, _requestHeaders, _scheme);
        _contentLength = RequestMapper.GetContentLength(Variables, _requestHeaders, Exchange.InputEndsBody, Exchange.IsInputEmpty);
        if (_contentLength is { } length && Variables[KnownVariable.ContentLength].Length > 0)
        {
            _requestHeaders.SetContentLength(length);
        }

        if (Variables[KnownVariable.ContentType] is { IsEmpty: false } contentType)
        {
            _requestHeaders.SetContentType(contentType);
        }
    }

    private string GetRawTarget()
    {
        var target = Variables[KnownVariable.RequestUri];
        return target.IsEmpty
            ? RequestPath.Escape(_pathBase + _path) + ((IHttpRequestFeature)this).QueryString
            : RequestPath.EscapeNonAscii(target);
    }

    private void ResetRequest()
    {
        _requestHeaders.Reset();
        _replacedRequestHeaders = null;
        _method = string.Empty;
        _protocol = string.Empty;
        _scheme = string.Empty;
        _pathBase = string.Empty;
        _path = string.Empty;
        _queryString = null;
        _rawTarget = null;
        _traceIdentifier = null;
        _connectionId = null;
        _remoteAddress = default;
        _localAddress = default;
        _remotePort = default;
        _localPort = default;
        _variableOverrides = null;
        _endpoint = null;
        if (_routeValues is { Count: > 16 })
        {
            _routeValues = null;
        }

        _routeValues?.Clear();
    }

    // A value worked out on the first read, or set by the application.
    private struct Overridable<T>
    {
        public bool IsSet { get; private set; }

        public T Value { get; private set; }

        public T Set(T value)
        {
            IsSet = true;
            return Value = value;
        }
    }
}
