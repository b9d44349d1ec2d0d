using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Sessions, sign-in and antiforgery: conversations in which a cookie comes back.</summary>
internal static class SecurityCases
{
    private const string Form = "application/x-www-form-urlencoded";

    public static IEnumerable<ParityCase> All =>
    [
        new ParityCase("session", async visitor =>
        {
            var first = await visitor.SendAsync(new RawRequest("GET", "/session"));
            var second = await visitor.SendAsync(new RawRequest("GET", "/session").With("Cookie", first.Cookies));
            Assert.Equal("visit 2", second.Text);
        }).Masking(Protected, "CfDJ8..."),
        new ParityCase("sign-in, visit and sign-out", async visitor =>
        {
            var refused = await visitor.SendAsync(new RawRequest("GET", "/account"));
            Assert.Equal(302, refused.Status);
            var signedIn = await visitor.SendAsync(new RawRequest("POST", "/account/login").WithBody("name=Zo%C3%AB", Form));
            var page = await visitor.SendAsync(new RawRequest("GET", "/account").With("Cookie", signedIn.Cookies));
            Assert.Equal("Hello, Zoë.", page.Text);
            await visitor.SendAsync(new RawRequest("GET", "/account/forbidden").With("Cookie", signedIn.Cookies));
            await visitor.SendAsync(new RawRequest("POST", "/account/logout").With("Cookie", signedIn.Cookies));
        }).Masking(Protected, "CfDJ8..."),
        new ParityCase("antiforgery", async visitor =>
        {
            var page = await visitor.SendAsync(new RawRequest("GET", "/guarded"));
            var form = $"name=x&__RequestVerificationToken={Uri.EscapeDataString(page.Text)}";
            var posted = await visitor.SendAsync(new RawRequest("POST", "/guarded").With("Cookie", page.Cookies).WithBody(form, Form));
            Assert.Equal("guarded x", posted.Text);
            var forged = await visitor.SendAsync(new RawRequest("POST", "/guarded").With("Cookie", page.Cookies).WithBody("name=x", Form));
            Assert.Equal(400, forged.Status);
        }).Masking(Protected, "CfDJ8...").Masking(@"Antiforgery\.[-_A-Za-z0-9]+", "Antiforgery..."),
    ];

    // What the data protection system makes; its length is the same every time.
    private static string Protected => "CfDJ8[-_A-Za-z0-9%/+=]+";
}
