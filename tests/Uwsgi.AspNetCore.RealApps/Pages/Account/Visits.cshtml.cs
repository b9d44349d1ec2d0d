using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Uwsgi.AspNetCore.RealApps.Pages.Account;

public sealed class VisitsModel : PageModel
{
    public int Visits => HttpContext.Session.GetInt32("visits") ?? 0;

    public IActionResult OnPost()
    {
        HttpContext.Session.SetInt32("visits", Visits + 1);
        return RedirectToPage();
    }

    public async Task<IActionResult> OnPostSignOutAsync()
    {
        HttpContext.Session.Clear();
        await HttpContext.SignOutAsync();
        return RedirectToPage("Login");
    }
}
