using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.Playwright;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class BlazorServerTests(Bookshop bookshop, Chromium chromium) : IClassFixture<Chromium>
{
    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task An_interactive_page_counts_over_a_WebSocket(string mount)
    {
        var shop = await bookshop.OpenAsync(mount);
        await using var tab = await chromium.OpenAsync(new Uri(shop, "till"));
        await tab.SeeAsync("#state", "open");
        var before = tab.FramesReceived;

        for (var customers = 0; customers < 5; customers++)
        {
            await tab.SeeAsync("#customers", customers.ToString());
            await tab.Page.ClickAsync("#serve");
        }

        await tab.SeeAsync("#customers", "5");
        var circuit = Assert.Single(tab.WebSockets);
        Assert.StartsWith(new UriBuilder(shop) { Scheme = "ws" } + "_blazor?id=", circuit.Url);
        Assert.False(circuit.IsClosed);
        Assert.InRange(tab.FramesReceived, before + 5, int.MaxValue);
        Assert.Equal("rgb(138, 90, 43)", await tab.Page.EvaluateAsync<string>("getComputedStyle(document.querySelector('h1')).color"));
        Assert.Empty(tab.Complaints);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_form_is_validated_and_sent_over_the_circuit(string mount)
    {
        await using var tab = await chromium.OpenAsync(new Uri(await bookshop.OpenAsync(mount), "feedback"));
        await tab.SeeAsync("#state", "open");
        await tab.Page.FillAsync("#stars", "7");
        await tab.Page.PressAsync("#stars", "Enter");
        await tab.SeeAsync(".validation-errors li >> text=Name", "The Name field is required.");
        await tab.SeeAsync(".validation-errors li >> text=Stars", "The field Stars must be between 1 and 5.");

        await tab.Page.Locator("#text").PressSequentiallyAsync("Wunderschön!");
        await tab.SeeAsync("#length", "12");
        var photo = new FilePayload { Name = "shelf.jpg", MimeType = "image/jpeg", Buffer = RandomNumberGenerator.GetBytes(2_000_000) };
        await tab.Page.SetInputFilesAsync("#photo", photo);
        await tab.SeeAsync("#photo-size", "shelf.jpg: 2000000 bytes");
        await tab.Page.FillAsync("#name", "Zoë 李");
        await tab.Page.FillAsync("#stars", "5");
        await tab.Page.PressAsync("#stars", "Enter");

        await tab.SeeAsync("#thanks", "5 stars from Zoë 李 in 12 letters");
        Assert.Empty(tab.Complaints);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task Streaming_rendering_shows_the_page_before_its_data(string mount)
    {
        var shop = await bookshop.OpenAsync(mount);
        var van = Guid.NewGuid().ToString();
        await using var tab = await chromium.OpenAsync(new Uri(shop, "arrivals?van=" + van));
        await tab.SeeAsync("#waiting", "Waiting for the van.");

        using var customer = new Customer(shop);
        using var unloaded = await customer.Http.PostAsJsonAsync("api/arrivals/" + van, (string[])["Solaris", "Dhalgren"]);

        await tab.SeeAsync("#titles li >> nth=0", "Solaris");
        await tab.SeeAsync("#titles li >> nth=1", "Dhalgren");
        Assert.Empty(tab.Complaints);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_form_of_a_static_page_is_posted_without_leaving_it(string mount)
    {
        await using var tab = await chromium.OpenAsync(new Uri(await bookshop.OpenAsync(mount), "newsletter"));
        await tab.Page.FillAsync("#email", "nobody");
        await tab.Page.ClickAsync("#subscribe");
        await tab.SeeAsync(".validation-errors li", "The Email field is not a valid e-mail address.");

        await tab.Page.FillAsync("#email", "zoe@example.com");
        await tab.Page.ClickAsync("#subscribe");

        await tab.SeeAsync("#subscribed", "zoe@example.com will hear from us.");
        Assert.Empty(tab.WebSockets);
        Assert.Empty(tab.Complaints);
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task Links_lead_from_page_to_page_and_back(string mount)
    {
        var shop = await bookshop.OpenAsync(mount);
        await using var tab = await chromium.OpenAsync(new Uri(shop, "newsletter"));

        await tab.Page.ClickAsync("nav a >> text=Till");
        await tab.SeeAsync("#state", "open");
        await tab.Page.ClickAsync("#serve");
        await tab.SeeAsync("#customers", "1");
        Assert.Equal(new Uri(shop, "till").AbsoluteUri, tab.Page.Url);

        await tab.Page.ClickAsync("nav a >> text=Feedback");
        await tab.SeeAsync("h1", "Tell us what you think");
        await tab.SeeAsync("#state", "open");
        await tab.Page.GoBackAsync();
        await tab.SeeAsync("h1", "Till");
        await tab.SeeAsync("#state", "open");
        Assert.Single(tab.WebSockets);
        Assert.Empty(tab.Complaints);
    }
}
