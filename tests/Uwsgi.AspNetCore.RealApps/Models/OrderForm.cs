using System.ComponentModel.DataAnnotations;

namespace Uwsgi.AspNetCore.RealApps.Models;

public enum Delivery
{
    Post,
    Courier,
    Pickup,
}

public sealed class OrderForm
{
    [Required, StringLength(60)]
    public string? Name { get; set; }

    [Required, EmailAddress]
    public string? Email { get; set; }

    public Delivery Delivery { get; set; }

    [Display(Name = "Wrap it as a present")]
    public bool Present { get; set; }

    [DataType(DataType.MultilineText), StringLength(500)]
    public string? Note { get; set; }

    public IList<OrderLine> Lines { get; init; } = [];
}

public sealed class OrderLine
{
    public int BookId { get; set; }

    [Range(1, 99)]
    public int Quantity { get; set; }
}
