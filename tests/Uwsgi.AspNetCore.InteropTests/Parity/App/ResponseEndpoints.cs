using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>Endpoints that answer in every way the framework allows, and in some it does not.</summary>
internal static class ResponseEndpoints
{
    public static void MapResponseEndpoints(this WebApplication app)
    {
        app.Map("/status/{code:int}", AnswerWithStatus);
        app.Map("/headers/{kind}", AnswerWithHeaders);
        app.Map("/write/{how}", ResponseWriting.WriteAsync);
        app.Map("/large/{bytes:int}", (HttpContext context, int bytes) => WriteLargeAsync(context, bytes));
        app.Map("/results/{kind}", AnswerWithResult);
        app.Map("/cookies/{kind}", AnswerWithCookies);
        app.Map("/throw/{when}", ThrowAsync);
        app.Map("/callbacks", AnswerWithCallbacks);
    }

    private static async Task AnswerWithStatus(HttpContext context, int code)
    {
        var query = context.Request.Query;
        context.Response.StatusCode = code;
        if (query.TryGetValue("reason", out var reason))
        {
            context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = reason;
        }

        if (query.TryGetValue("location", out var location))
        {
            context.Response.Headers.Location = location;
        }

        if (query.TryGetValue("length", out var length))
        {
            context.Response.ContentLength = int.Parse(length.ToString());
        }

        if (query.TryGetValue("body", out var body))
        {
            await context.Response.WriteAsync(body.ToString());
        }
    }

    private static async Task<string> AnswerWithHeaders(HttpContext context, string kind)
    {
        var headers = context.Response.Headers;
        switch (kind)
        {
            case "duplicates":
                headers.Append("X-Twice", "one");
                headers.Append("X-Twice", "two, three");
                headers.Append("Link", "</a>; rel=prev");
                headers.Append("Link", "</b>; rel=next");
                break;
            case "empty":
                headers["X-Empty"] = string.Empty;
                headers["X-Null"] = new[] { null, "one", null };
                headers["X-Removed"] = "no";
                headers["X-Removed"] = default;
                break;
            case "large":
                headers["X-Large"] = new string('x', 12_000);
                break;
            case "many":
                for (var i = 0; i < 200; i++)
                {
                    headers[$"X-Many-{i}"] = $"{i}";
                }

                break;
            case "unusual":
                headers["x-lower-case"] = "1";
                headers["X_Under"] = "2";
                headers["X.Dot!#$%&'*+^`|~"] = "3";
                headers["X-Tab"] = "a\tb";
                headers["X-Quoted"] = "\"a, b\"; c=\"\\\"\"";
                break;
            case "hop":
                headers.Connection = "keep-alive";
                headers.KeepAlive = "timeout=5";
                headers["Proxy-Connection"] = "keep-alive";
                break;
            case "known":
                headers.ETag = "\"v1\"";
                headers.LastModified = StaticContent.LastModified.ToString("R");
                headers.CacheControl = "private, max-age=0";
                headers.Vary = "Accept, Accept-Encoding";
                headers.ContentLanguage = "en";
                headers.ContentDisposition = "inline; filename=\"x.txt\"";
                headers.Allow = "GET, HEAD";
                headers.WWWAuthenticate = new[] { "Basic realm=\"a\"", "Bearer" };
                headers.Expires = "Thu, 01 Jan 1970 00:00:00 GMT";
                headers.ContentType = "text/plain; charset=utf-8";
                break;
            case "invalid":
                return await NoteRefusalsAsync(context);
            case "accel":
                headers["X-Accel-Buffering"] = "no";
                headers["X-Accel-Charset"] = "off";
                break;
            case "date-and-server":
                headers.Date = "Thu, 01 Jan 1970 00:00:00 GMT";
                headers.Server = "parity";
                break;
            default:
                headers["X-Kind"] = kind;
                break;
        }

        return "headers";
    }

    private static Task<string> NoteRefusalsAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        (string What, Action Set)[] attempts =
        [
            ("CR LF in a value", () => headers["X-Bad"] = "a\r\nX-Injected: 1"),
            ("NUL in a value", () => headers["X-Bad"] = "a\0b"),
            ("an accent in a value", () => headers["X-Bad"] = "é"),
            ("blank in a name", () => headers["X Bad"] = "1"),
            ("an empty name", () => headers[string.Empty] = "1"),
            ("colon in a name", () => headers["X:Bad"] = "1"),
            ("a negative length", () => context.Response.ContentLength = -1),
            ("no number as length", () => headers.ContentLength = long.MinValue),
        ];
        var refusals = attempts.Select(attempt => $"{attempt.What}: {Record.Exception(attempt.Set)?.GetType().Name}");
        return Task.FromResult(string.Join('\n', refusals));
    }

    private static async Task WriteLargeAsync(HttpContext context, int bytes)
    {
        context.Response.ContentType = "application/octet-stream";
        if (context.Request.Query.ContainsKey("length"))
        {
            context.Response.ContentLength = bytes;
        }

        await context.Response.Body.WriteAsync(StaticContent.Bytes(bytes));
    }

    private static IResult AnswerWithResult(string kind) => kind switch
    {
        "json" => Results.Json(new { text = "ü \"<>\u2028", number = 1.5, nothing = (string?)null }),
        "json-large" => Results.Json(Enumerable.Range(0, 20_000).Select(i => new { i, text = $"item {i}" })),
        "problem" => Results.Problem("It went wrong.", statusCode: 409, title: "Conflict"),
        "validation" => Results.ValidationProblem(new Dictionary<string, string[]> { ["Name"] = ["is missing"] }),
        "text" => Results.Text("grüße", "text/plain", Encoding.UTF8),
        "html" => Results.Content("<p>hello</p>", "text/html"),
        "empty" => Results.Empty,
        "ok" => Results.Ok(),
        "created" => Results.Created("/orders/1", new { id = 1 }),
        "accepted" => Results.Accepted("/orders/1"),
        "no-content" => Results.NoContent(),
        "not-found" => Results.NotFound(),
        "unauthorized" => Results.Unauthorized(),
        "unprocessable" => Results.UnprocessableEntity(new { error = "no" }),
        "redirect" => Results.Redirect("/elsewhere?a=b"),
        "redirect-permanent" => Results.Redirect("/elsewhere", permanent: true),
        "redirect-preserve" => Results.Redirect("https://other.test/x", preserveMethod: true),
        "redirect-accent" => Results.Redirect("https://other.test/ü"),
        "redirect-local" => Results.LocalRedirect("~/here"),
        "status" => Results.StatusCode(507),
        _ => Results.BadRequest(kind),
    };

    private static Task AnswerWithCookies(HttpContext context, string kind)
    {
        var cookies = context.Response.Cookies;
        switch (kind)
        {
            case "many":
                for (var i = 0; i < 20; i++)
                {
                    cookies.Append($"c{i}", $"v{i}");
                }

                break;
            case "attributes":
                cookies.Append("a", "1", new CookieOptions { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Strict, Path = "/a" });
                cookies.Append("b", "x y;z,ü", new CookieOptions { MaxAge = TimeSpan.FromDays(1), Domain = "parity.test" });
                cookies.Append("c", string.Empty, new CookieOptions { Expires = DateTimeOffset.UnixEpoch });
                break;
            default:
                cookies.Append("gone", "soon");
                cookies.Delete("gone");
                cookies.Delete("old");
                break;
        }

        return context.Response.WriteAsync("cookies");
    }

    private static async Task ThrowAsync(HttpContext context, string when)
    {
        var response = context.Response;
        response.Headers["X-Before"] = "set before the exception";
        switch (when)
        {
            case "unflushed":
                response.BodyWriter.Write("never seen"u8);
                break;
            case "started":
                await response.StartAsync();
                break;
            case "flushed":
                await response.WriteAsync("first half ");
                await response.Body.FlushAsync();
                break;
            case "flushed-with-length":
                response.ContentLength = 100;
                await response.WriteAsync("first half ");
                await response.Body.FlushAsync();
                break;
            case "on-starting":
                response.OnStarting(() => throw new InvalidOperationException("in OnStarting"));
                await response.WriteAsync("body");
                return;
            case "on-starting-empty":
                response.OnStarting(() => throw new InvalidOperationException("in OnStarting"));
                return;
            case "on-completed":
                response.OnCompleted(() => throw new InvalidOperationException("in OnCompleted"));
                await response.WriteAsync("body");
                return;
            case "bad-request":
                throw new BadHttpRequestException("Not like this.", 418);
            case "cancelled":
                throw new OperationCanceledException();
            case "io":
                throw new IOException("disk");
            case "status-set":
                response.StatusCode = 204;
                break;
            case "writer-completed":
                response.BodyWriter.Complete(new InvalidOperationException("given to the writer"));
                return;
            case "aborted":
                context.Abort();
                return;
        }

        throw new InvalidOperationException("thrown by the endpoint");
    }

    private static async Task AnswerWithCallbacks(HttpContext context)
    {
        var response = context.Response;
        var observation = context.Observed();
        foreach (var name in (string[])["first", "second"])
        {
            response.OnStarting(() =>
            {
                observation.Note("App.Callbacks", $"starting {name}");
                response.Headers.Append("X-Callback", name);
                return Task.CompletedTask;
            });
            response.OnCompleted(() =>
            {
                observation.Note("App.Callbacks", $"completed {name}");
                return Task.CompletedTask;
            });
        }

        response.OnStarting(() =>
        {
            response.OnStarting(() =>
            {
                observation.Note("App.Callbacks", "starting nested");
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        });
        if (context.Request.Query.ContainsKey("body"))
        {
            await response.WriteAsync("body");
            var late = Record.Exception(() => response.OnStarting(() => Task.CompletedTask));
            observation.Note("App.Callbacks", $"late: {late?.GetType().Name}");
        }
    }
}
