var builder = WebApplication.CreateBuilder(args);
builder.UseUwsgi();

// Three apps, each with a pipeline of its own. Where they are mounted is in appsettings.json: "Uwsgi": { "Mounts": { ... } }.
builder.Services.AddUwsgiApp("shop", shop =>
{
    shop.UseRouting();
    shop.UseEndpoints(routes =>
    {
        // The link is right wherever the shop is mounted.
        routes.MapGet("/", (HttpContext context, LinkGenerator links) => $"shop: book 7 is at {links.GetPathByName(context, "book", new { id = 7 })}\n");
        routes.MapGet("/books/{id:int}", (int id) => $"shop: book {id}\n").WithName("book");
    });
});

builder.Services.AddUwsgiApp("blog", blog => blog.Run(context =>
    context.Response.WriteAsync($"blog: the page {context.Request.Path}\n")));

builder.Services.AddUwsgiApp("admin", admin =>
{
    // Middleware of this app alone.
    admin.Use((context, next) =>
    {
        context.Response.Headers.CacheControl = "no-store";
        return next(context);
    });
    admin.Run(context => context.Response.WriteAsync(
        $"admin: {context.Request.Path} below {context.Request.PathBase} of {context.Request.Host.Host}\n"));
});

// The default app: what no mount takes.
var app = builder.Build();
app.MapFallback((HttpContext context) => $"default app: {context.Request.Path}\n");
app.Run();
