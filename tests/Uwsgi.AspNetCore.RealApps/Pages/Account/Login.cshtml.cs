using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Uwsgi.AspNetCore.RealApps.Pages.Account;

public sealed class LoginModel : PageModel
{
    [BindProperty, Required]
    public string? Name { get; set; }

    [BindProperty, Required, DataType(DataType.Password)]
    public string? Password { get; set; }

    public async Task<IActionResult> OnPostAsync(string? returnUrl)
    {
        if (ModelState.IsValid && Password != "open sesame")
        {
            ModelState.AddModelError(string.Empty, "Name or password is wrong.");
        }

        if (!ModelState.IsValid)
        {
            return Page();
        }

        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, Name!)], CookieAuthenticationDefaults.AuthenticationScheme);
        await HttpContext.SignInAsync(new ClaimsPrincipal(identity));
        return LocalRedirect(returnUrl ?? "~/account/visits");
    }
}
