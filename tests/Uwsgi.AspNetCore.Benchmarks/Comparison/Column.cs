using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;
using Uwsgi.AspNetCore.Benchmarks.Operations;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One way from nginx to an app: what <c>compare</c> measures next to the others.</summary>
/// <param name="Key">What <c>--columns</c> calls it.</param>
/// <param name="Title">What the report calls it.</param>
/// <param name="Upstream">The program behind nginx; each column has its own process of it.</param>
/// <param name="Location">The directives of the nginx location, given the name of the upstream block.</param>
/// <param name="KeepAlive">How many idle connections nginx keeps; zero opens one per request.</param>
/// <param name="Without">The column that differs in nothing but what this one is about, for a ratio of its own.</param>
internal sealed record Column(
    string Key, string Title, Upstream Upstream, Func<string, string> Location, int KeepAlive = 0, string? Without = null)
{
    /// <summary>As many as there are requests at once, at the most that is measured.</summary>
    private const int Kept = 1024;

    /// <summary>What the other protocols pass on without being told.</summary>
    private const string HttpHost = "proxy_set_header Host $http_host;";

    private const string HttpKept = "proxy_http_version 1.1; proxy_set_header Connection \"\";";

    /// <summary>nginx's stock uwsgi_params: what a real site sends is part of the price.</summary>
    private const string UwsgiParams =
        """
        uwsgi_param QUERY_STRING $query_string;
        uwsgi_param REQUEST_METHOD $request_method;
        uwsgi_param CONTENT_TYPE $content_type;
        uwsgi_param CONTENT_LENGTH $content_length;
        uwsgi_param REQUEST_URI $request_uri;
        uwsgi_param PATH_INFO $document_uri;
        uwsgi_param DOCUMENT_ROOT $document_root;
        uwsgi_param SERVER_PROTOCOL $server_protocol;
        uwsgi_param REQUEST_SCHEME $scheme;
        uwsgi_param HTTPS $https if_not_empty;
        uwsgi_param REMOTE_ADDR $remote_addr;
        uwsgi_param REMOTE_PORT $remote_port;
        uwsgi_param SERVER_PORT $server_port;
        uwsgi_param SERVER_NAME $server_name;
        """;

    /// <summary>nginx's stock scgi_params.</summary>
    private const string ScgiParams =
        """
        scgi_param REQUEST_METHOD $request_method;
        scgi_param REQUEST_URI $request_uri;
        scgi_param QUERY_STRING $query_string;
        scgi_param CONTENT_TYPE $content_type;
        scgi_param DOCUMENT_URI $document_uri;
        scgi_param DOCUMENT_ROOT $document_root;
        scgi_param SCGI 1;
        scgi_param SERVER_PROTOCOL $server_protocol;
        scgi_param REQUEST_SCHEME $scheme;
        scgi_param HTTPS $https if_not_empty;
        scgi_param REMOTE_ADDR $remote_addr;
        scgi_param REMOTE_PORT $remote_port;
        scgi_param SERVER_PORT $server_port;
        scgi_param SERVER_NAME $server_name;
        """;

    /// <summary>nginx's stock fastcgi_params.</summary>
    private const string FastCgiParams =
        """
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param SCRIPT_NAME $fastcgi_script_name;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param DOCUMENT_URI $document_uri;
        fastcgi_param DOCUMENT_ROOT $document_root;
        fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param REQUEST_SCHEME $scheme;
        fastcgi_param HTTPS $https if_not_empty;
        fastcgi_param GATEWAY_INTERFACE CGI/1.1;
        fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
        fastcgi_param REMOTE_ADDR $remote_addr;
        fastcgi_param REMOTE_PORT $remote_port;
        fastcgi_param SERVER_ADDR $server_addr;
        fastcgi_param SERVER_PORT $server_port;
        fastcgi_param SERVER_NAME $server_name;
        fastcgi_param REDIRECT_STATUS 200;
        """;

    /// <summary>The column every ratio of "one connection per request" refers to.</summary>
    public const string UnpooledBaseline = "proxy";

    /// <summary>The column every ratio to kept connections refers to.</summary>
    public const string KeptBaseline = "proxy-kept";

    public static IReadOnlyList<Column> All { get; } =
    [
        new(UnpooledBaseline, "`proxy_pass`, a connection per request", Upstream.Http, name => $"{HttpHost} proxy_pass http://{name};"),
        new(KeptBaseline, "`proxy_pass`, kept connections", Upstream.Http, name => $"{HttpHost} {HttpKept} proxy_pass http://{name};", KeepAlive: Kept),
        new("uwsgi", "`uwsgi_pass`, a connection per request", Upstream.Uwsgi, UwsgiPass),
        new("scgi", "`scgi_pass`, a connection per request", Upstream.Scgi, name => $"{ScgiParams} scgi_pass {name};"),
        new("fastcgi", "`fastcgi_pass`, a connection per request", Upstream.FastCgi, name => $"{FastCgiParams} fastcgi_pass {name};"),
        new("fastcgi-kept", "`fastcgi_pass`, kept connections", Upstream.FastCgi, KeptFastCgi, KeepAlive: Kept),
        new("uwsgi-python", "`uwsgi_pass`, uWSGI with a Python function", new UwsgiPythonUpstream(), UwsgiPass),
        new("c", "`uwsgi_pass`, responder in C that parses nothing", new CUpstream(), UwsgiPass),
        new("uwsgi-sockets", "`uwsgi_pass`, Kestrel's transport", Upstream.Uwsgi.On(UwsgiTransport.Sockets), UwsgiPass, Without: "uwsgi"),
        new("fastcgi-kept-sockets", "`fastcgi_pass`, kept connections, Kestrel's transport", Upstream.FastCgi.On(UwsgiTransport.Sockets), KeptFastCgi, Kept, "fastcgi-kept"),
        UwsgiWith("uwsgi-statistics", "statistics on", OperationSwitches.Statistics),
        UwsgiWith("uwsgi-operations", "every operation on", OperationSwitches.Everything),
        KeptFastCgiWith("fastcgi-kept-statistics", "statistics on", OperationSwitches.Statistics),
        KeptFastCgiWith("fastcgi-kept-operations", "every operation on", OperationSwitches.Everything),
    ];

    public static IReadOnlyList<Column> Select(string? keys) => keys is null ? All : [.. keys.Split(',').Select(Find)];

    /// <summary>Why it cannot take part, or null.</summary>
    public string? WhyNot(Scenario scenario) => Upstream switch
    {
        _ when !Upstream.Serves(scenario) => $"it does not serve the scenario {scenario.Name}",
        { Missing: { } missing } => $"it needs {missing}",
        _ => null,
    };

    private static Column UwsgiWith(string key, string what, string operations) => new(
        key, $"`uwsgi_pass`, {what}", Upstream.Uwsgi.With(operations), UwsgiPass, Without: "uwsgi");

    private static Column KeptFastCgiWith(string key, string what, string operations) => new(
        key, $"`fastcgi_pass`, kept connections, {what}", Upstream.FastCgi.With(operations), KeptFastCgi, KeepAlive: Kept, Without: "fastcgi-kept");

    private static string UwsgiPass(string name) => $"{UwsgiParams} uwsgi_pass {name};";

    private static string KeptFastCgi(string name) => $"{FastCgiParams} fastcgi_keep_conn on; fastcgi_pass {name};";

    private static Column Find(string key) => All.FirstOrDefault(column => column.Key == key)
        ?? throw new CommandException($"no column '{key}'; there are {string.Join(", ", All.Select(column => column.Key))}");
}
