using System.Net;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class RazorPagesTests(Bookshop bookshop)
{
    private const string TokenField = "__RequestVerificationToken";

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task A_member_signs_in_counts_visits_and_signs_out(string mount)
    {
        using var member = new Customer(await bookshop.OpenAsync(mount));
        using var refused = await member.Http.GetAsync("account/visits");
        Assert.Equal($"{mount}/account/login?ReturnUrl={Uri.EscapeDataString(mount + "/account/visits")}", Customer.Redirect(refused));

        var login = await member.FollowAsync(refused);
        using var wrong = await member.SubmitAsync(login.Forms[0], ("Name", "Ali Baba"), ("Password", "open barley"));
        login = await Customer.ReadAsync(wrong);
        Assert.Contains("Name or password is wrong.", login.QuerySelector("[data-valmsg-summary]")!.TextContent);

        using var right = await member.SubmitAsync(login.Forms[0], ("Password", "open sesame"));
        Assert.Equal(mount + "/account/visits", Customer.Redirect(right));

        var page = await member.FollowAsync(right);
        Assert.Equal("Hello Ali Baba", page.QuerySelector("h1")!.TextContent);
        for (var visits = 0; visits < 3; visits++)
        {
            Assert.Equal(visits.ToString(), page.QuerySelector("#visits")!.TextContent);
            using var counted = await member.SubmitAsync(page.Forms[0]);
            page = await member.FollowAsync(counted);
        }

        using var left = await member.SubmitAsync(page.Forms[1]);
        Assert.Equal(mount + "/Account/Login", Customer.Redirect(left));
        using var again = await member.Http.GetAsync("account/visits");
        Assert.StartsWith(mount + "/account/login", Customer.Redirect(again));
    }

    [SkippableTheory]
    [MemberData(nameof(Bookshop.Mounts), MemberType = typeof(Bookshop))]
    public async Task Cookies_belong_to_the_mount(string mount)
    {
        using var member = await SignInAsync(mount);

        var paths = member.Cookies.Where(cookie => !cookie.Name.EndsWith("Session", StringComparison.Ordinal)).ToDictionary(cookie => cookie.Name, cookie => cookie.Path);

        Assert.Equal(2, paths.Count);
        Assert.All(paths.Values, path => Assert.Equal(mount.Length == 0 ? "/" : mount, path));
        Assert.All(member.Cookies, cookie => Assert.True(cookie.HttpOnly));
    }

    [SkippableFact]
    public async Task Two_members_count_for_themselves()
    {
        using var first = await SignInAsync("");
        using var second = await SignInAsync("");

        using var counted = await first.SubmitAsync((await first.OpenAsync("account/visits")).Forms[0]);

        Assert.Equal("1", (await first.FollowAsync(counted)).QuerySelector("#visits")!.TextContent);
        Assert.Equal("0", (await second.OpenAsync("account/visits")).QuerySelector("#visits")!.TextContent);
    }

    [SkippableTheory]
    [InlineData("account/login")]
    [InlineData("orders/create")]
    public async Task A_wrong_token_is_refused(string form)
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        var page = await customer.OpenAsync(form);

        using var response = await customer.SubmitAsync(page.Forms[0], (TokenField, "CfDJ8" + new string('A', 150)));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [SkippableFact]
    public async Task A_missing_token_is_refused()
    {
        using var customer = new Customer(await bookshop.OpenAsync(""));
        var page = await customer.OpenAsync("account/login");
        page.QuerySelector($"[name={TokenField}]")!.Remove();

        using var response = await customer.SubmitAsync(page.Forms[0]);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [SkippableFact]
    public async Task A_token_without_its_cookie_is_refused()
    {
        using var careful = new Customer(await bookshop.OpenAsync(""));
        using var thief = new Customer(careful.Shop);
        var page = await careful.OpenAsync("account/login");

        using var response = await thief.SubmitAsync(page.Forms[0], ("Name", "Cassim"), ("Password", "open sesame"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private async Task<Customer> SignInAsync(string mount)
    {
        var member = new Customer(await bookshop.OpenAsync(mount));
        var login = await member.OpenAsync("account/login");
        using var response = await member.SubmitAsync(login.Forms[0], ("Name", "Morgiana"), ("Password", "open sesame"));
        await member.FollowAsync(response);
        return member;
    }
}
