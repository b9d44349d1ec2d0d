using Microsoft.AspNetCore.Mvc;
using Uwsgi.AspNetCore.RealApps.Models;

namespace Uwsgi.AspNetCore.RealApps.Controllers;

[AutoValidateAntiforgeryToken]
public sealed class OrdersController : Controller
{
    [HttpGet]
    public IActionResult Create() => View(new OrderForm { Lines = [new OrderLine { BookId = 1, Quantity = 1 }] });

    [HttpPost]
    public IActionResult Create(OrderForm order)
    {
        if (!ModelState.IsValid)
        {
            return View(order);
        }

        TempData["Thanks"] = $"Thank you, {order.Name}: {order.Lines.Sum(line => line.Quantity)} books by {order.Delivery}.";
        return RedirectToAction(nameof(Placed));
    }

    [HttpGet]
    public IActionResult Placed() => View();
}
