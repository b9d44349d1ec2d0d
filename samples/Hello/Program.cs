using System.Globalization;
using Uwsgi.AspNetCore;

var builder = WebApplication.CreateBuilder(args);

// The one new line. The socket is in appsettings.json: "Uwsgi": { "Sockets": [ "127.0.0.1:3031" ] }.
builder.UseUwsgi();

var app = builder.Build();

// What the web server told us about the request, as any ASP.NET Core app sees it.
app.MapGet("/{**page}", (HttpContext context) =>
{
    var request = context.Request;
    var gateway = context.Features.Get<IGatewayFeature>();
    return string.Create(CultureInfo.InvariantCulture, $"""
        Hello from ASP.NET Core.
        door         {(gateway is null ? "HTTP, straight to Kestrel" : $"{gateway.Protocol}, through a web server")}
        request      {request.Method} {request.Protocol}
        scheme       {request.Scheme}
        host         {request.Host}
        path base    {(request.PathBase.HasValue ? request.PathBase : "(none)")}
        path         {request.Path}
        query        {request.QueryString}
        client       {context.Connection.RemoteIpAddress}

        """);
});

app.Run();
