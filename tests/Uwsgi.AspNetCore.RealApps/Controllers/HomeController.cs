using Microsoft.AspNetCore.Mvc;

namespace Uwsgi.AspNetCore.RealApps.Controllers;

public sealed class HomeController : Controller
{
    public IActionResult Index() => View();
}
