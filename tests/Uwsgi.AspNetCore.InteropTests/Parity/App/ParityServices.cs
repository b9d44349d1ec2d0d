using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The services of the app, the framework's own throughout.</summary>
internal static class ParityServices
{
    public static void AddParityServices(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddAntiforgery();
        services.AddDistributedMemoryCache();
        services.AddSession();
        services.AddResponseCaching();
        services.AddResponseCompression(options => options.EnableForHttps = true);
        services.AddRequestDecompression();
        services.AddHttpLogging();
        services.AddHsts(options => options.ExcludedHosts.Clear());
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
        services.AddAuthorization();
        services.AddCors(options => options.AddPolicy("shop", policy => policy
            .WithOrigins("https://shop.test").WithMethods("PUT").WithHeaders("X-Token").AllowCredentials()
            .WithExposedHeaders("X-Total").SetPreflightMaxAge(TimeSpan.FromMinutes(10))));
        services.AddRequestTimeouts(options => options.AddPolicy("at once", TimeSpan.FromMilliseconds(1)));
        services.AddOutputCache(options => options.AddPolicy("visit", policy => policy
            .VaryByValue(context => new KeyValuePair<string, string>("visit", VisitOf(context))).Expire(TimeSpan.FromHours(1))));
        services.AddRateLimiter(options =>
        {
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.OnRejected = (context, _) =>
            {
                context.HttpContext.Response.Headers.RetryAfter = "3600";
                return ValueTask.CompletedTask;
            };
            options.AddPolicy("two", context => RateLimitPartition.GetFixedWindowLimiter(
                VisitOf(context), _ => new FixedWindowRateLimiterOptions { PermitLimit = 2, Window = TimeSpan.FromHours(1) }));
        });
        services.Configure<FormOptions>(options => options.MultipartBodyLengthLimit = 64 * 1024 * 1024);
    }

    /// <summary>Names whoever sends the request, so that what the app remembers of one door never reaches the other.</summary>
    public static string VisitOf(HttpContext context) => context.Request.Headers[ObservationLog.VisitHeader].ToString();
}
