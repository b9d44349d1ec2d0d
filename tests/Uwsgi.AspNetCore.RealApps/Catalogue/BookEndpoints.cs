using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Uwsgi.AspNetCore.RealApps.Catalogue;

public static class BookEndpoints
{
    public static void MapCatalogue(this IEndpointRouteBuilder app)
    {
        var books = app.MapGroup("/api/books");

        books.MapGet("", (BookStore store, string? author) =>
            store.All.Where(book => author is null || book.Author == author));

        books.MapGet("{id:int}", Results<Ok<Book>, NotFound> (BookStore store, int id) =>
            store.TryFind(id, out var book) ? TypedResults.Ok(book) : TypedResults.NotFound()).WithName("book");

        books.MapPost("", (BookStore store, BookDetails details) =>
        {
            var book = store.Add(details);
            return TypedResults.CreatedAtRoute(book, "book", new { book.Id });
        });

        books.MapPut("{id:int}", Results<NoContent, NotFound> (BookStore store, int id, BookDetails details) =>
            store.TryReplace(id, details) ? TypedResults.NoContent() : TypedResults.NotFound());

        books.MapDelete("{id:int}", Results<NoContent, NotFound> (BookStore store, int id) =>
            store.TryRemove(id) ? TypedResults.NoContent() : TypedResults.NotFound());

        books.MapPost("{id:int}/cover", async (int id, IFormFile cover, CancellationToken cancellation) =>
        {
            await using var content = cover.OpenReadStream();
            var hash = await SHA256.HashDataAsync(content, cancellation);
            return new { id, cover.FileName, cover.ContentType, cover.Length, Hash = Convert.ToHexString(hash) };
        }).DisableAntiforgery();

        app.MapPost("/api/arrivals/{van}", (Arrivals arrivals, string van, string[] titles) => arrivals.Unload(van, titles));

        app.MapGet("/api/visitor", (HttpContext context, LinkGenerator links) => new Visitor(
            context.Request.Scheme,
            context.Request.Host.Value,
            context.Request.PathBase.Value,
            context.Request.Path.Value,
            context.Connection.RemoteIpAddress?.ToString(),
            context.GetServerVariable("SERVER_PROTOCOL"),
            links.GetPathByName(context, "book", new { Id = 1 })));
    }
}
