using System.Net;
using AngleSharp;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

/// <summary>Somebody with a browser that keeps cookies, submits forms and follows a redirect only when told to.</summary>
internal sealed class Customer : IDisposable
{
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false };

    public Customer(Uri shop)
    {
        Shop = shop;
        Http = new HttpClient(_handler) { BaseAddress = shop, Timeout = TestTimeout.Duration };
    }

    public Uri Shop { get; }

    /// <summary>Gets the client; paths without a leading slash start from the mount.</summary>
    public HttpClient Http { get; }

    public CookieCollection Cookies => _handler.CookieContainer.GetAllCookies();

    public Task<IHtmlDocument> OpenAsync(string path) => OpenAsync(new Uri(Shop, path));

    public async Task<IHtmlDocument> OpenAsync(Uri address)
    {
        using var response = await Http.GetAsync(address);
        Assert.True(response.IsSuccessStatusCode, $"{address}: {response}");
        return await ReadAsync(response);
    }

    /// <summary>Submits a form as a browser does, with the hidden fields it holds.</summary>
    public Task<HttpResponseMessage> SubmitAsync(IHtmlFormElement form, params (string Name, string Value)[] fields)
    {
        foreach (var (name, value) in fields)
        {
            Fill(form.Elements[name] ?? throw new ArgumentException($"The form has no field {name}.", nameof(fields)), value);
        }

        var submission = form.GetSubmission()!;
        var request = new HttpRequestMessage(HttpMethod.Post, submission.Target.Href) { Content = new StreamContent(submission.Body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", submission.MimeType);
        return Http.SendAsync(request);
    }

    /// <summary>Parses a page under the address it came from, so that its links resolve as they do in a browser.</summary>
    public static async Task<IHtmlDocument> ReadAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        var html = await response.Content.ReadAsStringAsync();
        var address = response.RequestMessage!.RequestUri!.AbsoluteUri;
        return (IHtmlDocument)await new BrowsingContext().OpenAsync(page => page.Content(html).Address(address));
    }

    /// <summary>Checks that a response is a redirect and opens the page it leads to.</summary>
    public Task<IHtmlDocument> FollowAsync(HttpResponseMessage response) => OpenAsync(Redirect(response));

    /// <summary>Returns path and query a redirect leads to.</summary>
    /// <remarks>The uwsgi_params file of Debian passes the host without its port, so what is absolute in a redirect lacks it too.</remarks>
    public static string Redirect(HttpResponseMessage response)
    {
        Assert.True(response.StatusCode == HttpStatusCode.Redirect, $"No redirect: {response}");
        return new Uri(response.RequestMessage!.RequestUri!, response.Headers.Location!).PathAndQuery;
    }

    public void Dispose()
    {
        Http.Dispose();
        _handler.Dispose();
    }

    private static void Fill(IElement field, string value)
    {
        switch (field)
        {
            case IHtmlSelectElement select:
                select.Value = value;
                break;
            case IHtmlTextAreaElement text:
                text.Value = value;
                break;
            case IHtmlInputElement { Type: "checkbox" } box:
                box.IsChecked = value == "true";
                break;
            case IHtmlInputElement input:
                input.Value = value;
                break;
        }
    }
}
