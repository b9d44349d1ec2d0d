using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class MinimalApiTests(Bookshop bookshop)
{
    private static readonly BookDetails Dune = new("Dune – der Wüstenplanet", "Frank Herbert", 1965, 11.25m);

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_book_is_created_read_changed_and_deleted(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));

        using var created = await customer.Http.PostAsJsonAsync("api/books", Dune);
        var book = await created.Content.ReadFromJsonAsync<Book>();
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal($"{mount}/api/books/{book!.Id}", created.Headers.Location!.AbsolutePath);
        Assert.Equal(Dune.Title, book.Title);

        var address = $"api/books/{book.Id}";
        Assert.Equal(book, await customer.Http.GetFromJsonAsync<Book>(address));

        using var changed = await customer.Http.PutAsJsonAsync(address, Dune with { Price = 8 });
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        Assert.Equal(book with { Price = 8 }, await customer.Http.GetFromJsonAsync<Book>(address));

        using var deleted = await customer.Http.DeleteAsync(address);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await customer.Http.GetAsync(address);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_query_in_any_script_finds_its_book(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));

        var books = await customer.Http.GetFromJsonAsync<Book[]>("api/books?author=" + Uri.EscapeDataString("村上 春樹"));

        Assert.Equal(2002, Assert.Single(books!).Year);
    }

    [SkippableFact]
    public async Task Wrong_input_is_explained()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));

        using var invalid = await customer.Http.PostAsJsonAsync("api/books", Dune with { Title = "", Year = 1066 });
        Assert.Equal(HttpStatusCode.BadRequest, invalid.StatusCode);
        Assert.Equal("application/problem+json", invalid.Content.Headers.ContentType?.MediaType);
        var errors = (await invalid.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors");
        Assert.Equal(["Title", "Year"], errors.EnumerateObject().Select(error => error.Name).Order());

        using var broken = await customer.Http.PostAsync("api/books", new StringContent("{", Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);

        using var text = await customer.Http.PostAsync("api/books", new StringContent("Dune"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);

        using var method = await customer.Http.PatchAsync("api/books", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, method.StatusCode);
        Assert.Equal(["GET", "HEAD", "POST"], method.Content.Headers.Allow.Order());
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task An_uploaded_file_arrives_whole(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));
        var picture = RandomNumberGenerator.GetBytes(900_000);
        using var file = new ByteArrayContent(picture) { Headers = { ContentType = new MediaTypeHeaderValue("image/jpeg") } };
        using var form = new MultipartFormDataContent { { file, "cover", "cover of 1.jpg" } };

        using var response = await customer.Http.PostAsync("api/books/1/cover", form);
        var cover = await response.Content.ReadFromJsonAsync<Cover>();

        Assert.Equal(new Cover(1, "cover of 1.jpg", "image/jpeg", picture.Length, Convert.ToHexString(SHA256.HashData(picture))), cover);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task The_app_knows_its_visitor_and_its_mount(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));

        var visitor = await customer.Http.GetFromJsonAsync<Visitor>("api/visitor");

        Assert.Equal(
            new Visitor("http", mount, "/api/visitor", "127.0.0.1", "HTTP/1.1", mount + "/api/books/1"),
            visitor);
    }

    private sealed record Book(int Id, string Title, string Author, int Year, decimal Price);

    private sealed record BookDetails(string Title, string Author, int Year, decimal Price);

    private sealed record Cover(int Id, string FileName, string ContentType, long Length, string Hash);

    private sealed record Visitor(string Scheme, string PathBase, string Path, string Address, string ServerProtocol, string FirstBook);
}
