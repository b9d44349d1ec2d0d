using System.Text;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Bodies with a meaning: forms, files and JSON.</summary>
internal static class FormCases
{
    private const string UrlEncoded = "application/x-www-form-urlencoded";

    public static IEnumerable<ParityCase> All =>
    [
        Form("form", UrlEncoded, "name=Zo%C3%AB&count=3"),
        Form("form with repeated fields", UrlEncoded, "a=1&a=2&b=&c&=d"),
        Form("form with blanks and marks", UrlEncoded, "q=a+b%20c&r=%26%3D%2B"),
        Form("form with a charset", UrlEncoded + "; charset=utf-8", "name=x"),
        Form("form empty", UrlEncoded, string.Empty),
        Form("form of 1000 fields", UrlEncoded, string.Join('&', Enumerable.Range(0, 1000).Select(i => $"f{i}={i}"))),
        Form("form too large by count", UrlEncoded, string.Join('&', Enumerable.Range(0, 1100).Select(i => $"f{i}={i}")), 500),
        Form("form of another type", "text/plain", "name=x", 500),
        ParityCase.Of("form in chunks", new RawRequest("POST", "/form") { Body = "a=1&b=2"u8.ToArray(), ChunkSizes = [2] }
            .With("Content-Type", UrlEncoded)).Needing(Capabilities.ChunkedRequests),
        ParityCase.Of("form bound", new RawRequest("POST", "/form/bound").WithBody("name=x&count=3", UrlEncoded)),
        ParityCase.Of("form that does not bind", new RawRequest("POST", "/form/bound").WithBody("name=x&count=three", UrlEncoded), 400),
        WithoutTypeAndBody("form bound without a body", "/form/bound", 400),
        Multipart("multipart of fields", Part("name", "Zoë"), Part("count", "3")),
        Multipart("multipart with a file", Part("name", "x"), File("file", "report.txt", "text/plain", "content"u8.ToArray())),
        Multipart("multipart with several files", File("a", "1.bin", "application/octet-stream", StaticContent.Bytes(1000)),
            File("a", "2.bin", "application/octet-stream", StaticContent.Bytes(2000)), File("b", "ü.bin", "image/png", [])),
        Multipart("multipart with a large file", Part("name", "x"), File("file", "big.bin", "application/octet-stream", StaticContent.Bytes(3_000_000))),
        Multipart("multipart empty"),
        ParityCase.Of("multipart bound with a file", new RawRequest("POST", "/form/bound/file").WithBody(
            Encode(Part("name", "x"), File("file", "r.txt", "text/plain", "abc"u8.ToArray())), MultipartType)),
        ParityCase.Of("multipart cut short", new RawRequest("POST", "/form").WithBody("--parts\r\nContent-Disposition: form-data", MultipartType), 500),
        ParityCase.Of("multipart without a boundary", new RawRequest("POST", "/form").WithBody("x", "multipart/form-data"), 500),
        Json("JSON bound", "/json", """{"name":"Zoë €","quantity":3,"price":1.50,"tags":["a","b"]}"""),
        Json("JSON large", "/json", $$"""{"name":"{{new string('n', 100_000)}}","quantity":1,"tags":[]}"""),
        Json("JSON broken", "/json", """{"name":""", 400),
        Json("JSON of another shape", "/json", "[1,2]", 400),
        Json("JSON null", "/json", "null", 400),
        Json("JSON of any kind", "/json/element", "[1,{}]"),
        ParityCase.Of("JSON missing", new RawRequest("POST", "/json").With("Content-Type", "application/json"), 400),
        WithoutTypeAndBody("JSON missing but optional", "/json/optional", 200),
        ParityCase.Of("JSON with Content-Length 0", new RawRequest("POST", "/json/optional").WithBody([], "application/json")),
        ParityCase.Of("JSON with another type", new RawRequest("POST", "/json").WithBody("{}", "text/plain"), 415),
        ParityCase.Of("JSON in UTF-16", new RawRequest("POST", "/json").WithBody(
            Encoding.Unicode.GetBytes("""{"name":"x","quantity":1}"""), "application/json; charset=utf-16")),
    ];

    private const string MultipartType = "multipart/form-data; boundary=parts";

    private static ParityCase Form(string name, string type, string body, int status = 200) =>
        ParityCase.Of(name, new RawRequest("POST", "/form").WithBody(body, type), status);

    private static ParityCase Json(string name, string target, string body, int status = 200) =>
        ParityCase.Of(name, new RawRequest("POST", target).WithBody(body, "application/json"), status);

    // The framework says 415 where a body may follow, which is for the comparison to allow.
    private static ParityCase WithoutTypeAndBody(string name, string target, int status) =>
        new(name, async visitor =>
        {
            var response = await visitor.SendAsync(new RawRequest("POST", target));
            Assert.Contains(response.Status, new[] { visitor.Door.Answers.GetValueOrDefault(name, status), 415 });
        });

    private static ParityCase Multipart(string name, params byte[][] parts) =>
        ParityCase.Of(name, new RawRequest("POST", "/form").WithBody(Encode(parts), MultipartType));

    private static byte[] Encode(params byte[][] parts) => [.. parts.SelectMany(part => part), .. "--parts--\r\n"u8];

    private static byte[] Part(string name, string value) =>
        Encoding.UTF8.GetBytes($"--parts\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");

    private static byte[] File(string name, string fileName, string type, byte[] content) =>
    [
        .. Encoding.UTF8.GetBytes(
            $"--parts\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{fileName}\"\r\nContent-Type: {type}\r\n\r\n"),
        .. content,
        .. "\r\n"u8,
    ];
}
