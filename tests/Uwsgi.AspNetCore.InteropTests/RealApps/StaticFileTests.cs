using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class StaticFileTests(Bookshop bookshop)
{
    private const string Download = "downloads/catalogue.bin";

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_large_file_is_sent_whole(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));

        using var response = await customer.Http.GetAsync(Download);

        Assert.Equal(bookshop.Catalogue.Length, response.Content.Headers.ContentLength);
        Assert.Equal("bytes", Assert.Single(response.Headers.AcceptRanges));
        Assert.True((await response.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(bookshop.Catalogue));
    }

    [SkippableFact]
    public async Task HEAD_tells_the_length_and_sends_nothing()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));

        using var response = await customer.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, Download));

        Assert.Equal(bookshop.Catalogue.Length, response.Content.Headers.ContentLength);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [SkippableTheory]
    [InlineData(Download)]
    [InlineData("css/site.css")]
    public async Task A_client_with_a_fresh_copy_is_told_so(string file)
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        using var first = await customer.Http.GetAsync(file);
        var tag = first.Headers.ETag!;
        var modified = first.Content.Headers.LastModified!.Value;

        using var byTag = await GetAsync(customer, file, headers => headers.IfNoneMatch.Add(tag));
        using var byDate = await GetAsync(customer, file, headers => headers.IfModifiedSince = modified);
        using var older = await GetAsync(customer, file, headers => headers.IfModifiedSince = modified.AddDays(-1));
        using var otherTag = await GetAsync(customer, file, headers => headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\"")));
        using var mustMatch = await GetAsync(customer, file, headers => headers.IfMatch.Add(new EntityTagHeaderValue("\"other\"")));

        Assert.Equal(HttpStatusCode.NotModified, byTag.StatusCode);
        Assert.Equal(tag, byTag.Headers.ETag);
        Assert.Empty(await byTag.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.NotModified, byDate.StatusCode);
        Assert.Equal(HttpStatusCode.OK, older.StatusCode);
        Assert.Equal(HttpStatusCode.OK, otherTag.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, mustMatch.StatusCode);
    }

    [SkippableTheory]
    [InlineData(0, 0)]
    [InlineData(0, 99)]
    [InlineData(4_000_000, 4_500_000)]
    [InlineData(4_999_999, null)]
    [InlineData(null, 70_000)]
    public async Task A_range_is_cut_out_of_the_file(int? from, int? to)
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        var length = bookshop.Catalogue.Length;
        var start = from ?? length - to!.Value;
        var end = from is null || to is null ? length - 1 : to.Value;

        using var response = await GetAsync(customer, Download, headers => headers.Range = new RangeHeaderValue(from, to));

        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal($"bytes {start}-{end}/{length}", response.Content.Headers.ContentRange?.ToString());
        Assert.True((await response.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(bookshop.Catalogue.AsSpan(start..(end + 1))));
    }

    [SkippableFact]
    public async Task A_range_outside_the_file_is_refused()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));

        using var response = await GetAsync(customer, Download, headers => headers.Range = new RangeHeaderValue(5_000_000, null));

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal("bytes */5000000", response.Content.Headers.ContentRange?.ToString());
    }

    [SkippableFact]
    public async Task A_range_of_an_outdated_copy_is_answered_with_the_whole_file()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        using var first = await customer.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, Download));

        using var same = await GetAsync(customer, Download, headers => Resume(headers, first.Headers.ETag!));
        using var outdated = await GetAsync(customer, Download, headers => Resume(headers, new EntityTagHeaderValue("\"other\"")));

        Assert.Equal(HttpStatusCode.PartialContent, same.StatusCode);
        Assert.Equal(HttpStatusCode.OK, outdated.StatusCode);
        Assert.Equal(5_000_000, outdated.Content.Headers.ContentLength);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_compressed_asset_is_sent_to_who_accepts_it(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));
        var plain = await customer.Http.GetByteArrayAsync("_framework/blazor.web.js");

        using var response = await GetAsync(customer, "_framework/blazor.web.js", headers => headers.AcceptEncoding.Add(new("gzip")));
        await using var unpacked = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        using var content = new MemoryStream();
        await unpacked.CopyToAsync(content);

        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        Assert.True(response.Content.Headers.ContentLength < plain.Length);
        Assert.True(content.ToArray().AsSpan().SequenceEqual(plain));
    }

    [SkippableFact]
    public async Task What_is_not_there_is_not_found()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));

        using var response = await customer.Http.GetAsync("css/missing.css");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private static void Resume(HttpRequestHeaders headers, EntityTagHeaderValue tag)
    {
        headers.IfRange = new RangeConditionHeaderValue(tag);
        headers.Range = new RangeHeaderValue(1000, 1999);
    }

    private static Task<HttpResponseMessage> GetAsync(Customer customer, string file, Action<HttpRequestHeaders> headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, file);
        headers(request.Headers);
        return customer.Http.SendAsync(request);
    }
}
