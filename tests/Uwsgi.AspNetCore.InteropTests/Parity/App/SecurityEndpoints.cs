using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>Endpoints that remember the visitor, or keep one out.</summary>
internal static class SecurityEndpoints
{
    public static void MapSecurityEndpoints(this WebApplication app)
    {
        app.Map("/session", (Delegate)CountVisits);
        app.MapPost("/account/login", ([FromForm] string name) => TypedResults.SignIn(
            new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], "password")),
            authenticationScheme: CookieAuthenticationDefaults.AuthenticationScheme)).DisableAntiforgery();
        app.MapGet("/account", (ClaimsPrincipal user) => $"Hello, {user.Identity?.Name}.").RequireAuthorization();
        app.MapPost("/account/logout", () => TypedResults.SignOut());
        app.MapGet("/account/forbidden", (HttpContext context) => context.ForbidAsync());
        app.MapGet("/guarded", (HttpContext context, IAntiforgery antiforgery) =>
            antiforgery.GetAndStoreTokens(context).RequestToken);
        app.MapPost("/guarded", ([FromForm] string name) => $"guarded {name}");
        app.MapPut("/shared", () => "shared").RequireCors("shop");
        app.MapGet("/limited", () => "let in").RequireRateLimiting("two");
        app.MapGet("/cached/{key?}", (HttpContext context) => $"made in step {context.Request.Headers[ObservationLog.StepHeader]}")
            .CacheOutput("visit");
    }

    private static async Task<string> CountVisits(HttpContext context)
    {
        await context.Session.LoadAsync();
        var count = (context.Session.GetInt32("count") ?? 0) + 1;
        context.Session.SetInt32("count", count);
        context.Observed().Note("App.Session", $"{count} {context.Session.IsAvailable}");
        return $"visit {count}";
    }
}
