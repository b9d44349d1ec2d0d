using System.ComponentModel.DataAnnotations;

namespace Uwsgi.AspNetCore.RealApps.Catalogue;

public sealed record Book(int Id, string Title, string Author, int Year, decimal Price);

public sealed record BookDetails(
    [property: Required, StringLength(100)] string Title,
    [property: Required] string Author,
    [property: Range(1450, 2100)] int Year,
    [property: Range(0, 10_000)] decimal Price);
