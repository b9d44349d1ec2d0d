using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Apache;

/// <summary>Apache's mod_authnz_fcgi asks the app whether a request is allowed before it sends the request itself.</summary>
public sealed class ApacheAuthorizerTests
{
    [SkippableFact]
    public async Task Allowed_PassesUserAndVariablesToTheApp()
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(new RawRequest("POST", "/orders?a=b").With("Authorization", "Bearer alice").WithBody("order"));

        Assert.Equal((200, "alice of blue sends order to /orders?a=b"), (response.Status, response.Text));
    }

    [SkippableFact]
    public async Task Allowed_VariableOfTheClient_IsNotTheAuthorizers()
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(
            new RawRequest("GET", "/").With("Authorization", "Bearer alice").With("Tenant", "red").With("Remote-User", "root").With("Variable-TENANT", "red"));

        Assert.Equal("alice of blue sends  to /", response.Text);
    }

    [SkippableTheory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Refused_AnswersTheClient(int status)
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(new RawRequest("GET", "/orders").With("Authorization", $"Refused {status}"));

        Assert.Equal((status, $"refused with {status}"), (response.Status, response.Text));
    }

    private static Task<ApacheSite> StartAsync() =>
        ApacheSite.StartAsync("authorizer.conf", RunAsync, configure: uwsgi => uwsgi.ForwardRemoteUser = true);

    private static Task RunAsync(HttpContext context) =>
        context.Features.GetRequiredFeature<IFastCgiFeature>().Role == FastCgiRole.Authorizer ? DecideAsync(context) : AnswerAsync(context);

    private static Task DecideAsync(HttpContext context)
    {
        switch (context.Request.Headers.Authorization.ToString().Split(' '))
        {
            case ["Bearer", var user]:
                context.Response.Headers["Variable-REMOTE_USER"] = user;
                context.Response.Headers["Variable-TENANT"] = "blue";
                return Task.CompletedTask;
            case [_, var status]:
                context.Response.StatusCode = int.Parse(status, null);
                return context.Response.WriteAsync($"refused with {status}");
            default:
                throw new InvalidOperationException("The header Authorization did not arrive.");
        }
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        await context.Response.WriteAsync(
            $"{context.User.Identity?.Name} of {context.GetServerVariable("TENANT")} sends {body} to {context.Request.Path}{context.Request.QueryString}");
    }
}
