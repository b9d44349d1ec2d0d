using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class MvcTests(Bookshop bookshop)
{
    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_view_is_rendered_in_its_layout(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));

        var page = await customer.OpenAsync("");

        Assert.Equal("Welcome - Bookshop", page.Title);
        Assert.Equal(["Ursula K. Le Guin", "村上 春樹", "Astrid Lindgren"], page.QuerySelectorAll("#books cite").Select(cite => cite.TextContent));
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task Every_link_and_asset_of_a_page_stays_under_its_mount_and_leads_somewhere(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));
        var page = await customer.OpenAsync("orders/create");

        var addresses = page.Links.Select(link => ((IHtmlAnchorElement)link).Href)
            .Concat(page.QuerySelectorAll<IHtmlLinkElement>("link").Select(link => link.Href!))
            .Concat(page.Scripts.Select(script => new Uri(new Uri(page.DocumentUri), script.Source!).AbsoluteUri))
            .ToArray();

        Assert.Equal(8, addresses.Length);
        foreach (var address in addresses)
        {
            Assert.StartsWith(customer.Shop.AbsoluteUri, address.TrimEnd('/') + "/");
            using var response = await customer.Http.GetAsync(address);
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Redirect, $"{address}: {response}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_form_is_bound_and_answered_with_a_redirect(string mount)
    {
        using var customer = new Customer(await bookshop.OpenAsync(mount));
        var page = await customer.OpenAsync("orders/create");

        using var placed = await customer.SubmitAsync(
            page.Forms[0],
            ("Name", "Zoë 李 & Söhne"),
            ("Email", "zoe@example.com"),
            ("Delivery", "2"),
            ("Present", "true"),
            ("Note", "first line\r\nsecond line"),
            ("Lines[0].Quantity", "7"));
        Assert.Equal(mount + "/Orders/Placed", Customer.Redirect(placed));

        // What is said there travelled in a TempData cookie.
        var thanks = await customer.FollowAsync(placed);
        Assert.Equal("Thank you, Zoë 李 & Söhne: 7 books by Pickup.", thanks.QuerySelector("#thanks")!.TextContent);
        var again = await customer.OpenAsync("orders/placed");
        Assert.Empty(again.QuerySelector("#thanks")!.TextContent);
    }

    [SkippableFact]
    public async Task A_form_that_does_not_validate_comes_back_as_it_was()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        var page = await customer.OpenAsync("orders/create");

        using var refused = await customer.SubmitAsync(page.Forms[0], ("Name", "Zoë"), ("Email", "nobody"), ("Lines[0].Quantity", "0"));
        var answer = await Customer.ReadAsync(refused);

        Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
        Assert.Equal(
            ["The Email field is not a valid e-mail address.", "The field Quantity must be between 1 and 99."],
            answer.QuerySelectorAll("[data-valmsg-summary] li").Select(item => item.TextContent).Order());
        Assert.Equal("Zoë", ((IHtmlInputElement)answer.GetElementById("Name")!).Value);
        Assert.Equal("nobody", ((IHtmlInputElement)answer.GetElementById("Email")!).Value);
    }
}
