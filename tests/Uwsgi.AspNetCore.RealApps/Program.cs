using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.FileProviders;
using Uwsgi.AspNetCore.RealApps.Catalogue;
using Uwsgi.AspNetCore.RealApps.Chat;
using Uwsgi.AspNetCore.RealApps.Components;

// An ordinary bookshop: every part of ASP.NET Core that people put behind nginx, in one app.
// The one line that has to do with uwsgi is UseUwsgi(); where it listens comes from the command line.
var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUwsgi();

// Lets Production find the assets without a publish.
builder.WebHost.UseStaticWebAssets();

builder.Services.AddSingleton<BookStore>();
builder.Services.AddSingleton<Arrivals>();
builder.Services.AddSingleton<ChatMembers>();
builder.Services.AddValidation();
builder.Services.AddProblemDetails();
builder.Services.AddControllersWithViews();
builder.Services.AddRazorPages(pages => pages.Conventions.AuthorizePage("/Account/Visits"));
builder.Services.AddDistributedMemoryCache();
builder.Services.AddSession();
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
    .AddCookie(cookie => cookie.LoginPath = "/account/login");
builder.Services.AddAuthorization();
builder.Services.AddSignalR();
builder.Services.AddRazorComponents().AddInteractiveServerComponents();

var downloads = builder.Configuration["Downloads"];

// The same shop as a named app, when that is asked for.
if (builder.Configuration["NamedApp"] is { } name)
{
    builder.Services.AddUwsgiApp(name, branch => UseBookshop(branch, downloads));
    builder.Build().Run();
    return;
}

var app = builder.Build();
UseBookshop(app, downloads);
app.Run();

static void UseBookshop(IApplicationBuilder app, string? downloads)
{
    app.UseRouting();
    app.UseExceptionHandler();
    if (downloads is not null)
    {
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = new PhysicalFileProvider(Path.GetFullPath(downloads)),
            RequestPath = "/downloads",
        });
    }

    app.UseSession();
    app.UseAuthentication();
    app.UseAuthorization();
    app.UseAntiforgery();
    app.UseEndpoints(endpoints =>
    {
        endpoints.MapStaticAssets();
        endpoints.MapCatalogue();
        endpoints.MapControllerRoute("default", "{controller=Home}/{action=Index}/{id?}").WithStaticAssets();
        endpoints.MapRazorPages().WithStaticAssets();
        endpoints.MapHub<ChatHub>("/chat");
        endpoints.MapRazorComponents<App>().AddInteractiveServerRenderMode();
    });
}
