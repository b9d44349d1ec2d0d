var builder = WebApplication.CreateBuilder(args);

// Sockets, time limits, static files, request log and statistics are all in appsettings.json.
builder.UseUwsgi();
builder.Services.AddHealthChecks().AddUwsgi();

var app = builder.Build();

// nginx decides who may see these two.
app.MapUwsgiStats("/uwsgi");
app.MapHealthChecks("/health");

app.MapGet("/orders/{id:int}", (int id) => $"Order {id}: two books, on their way.\n");

// The app decides who may have an invoice, nginx sends the file.
app.MapGet("/invoices/{id:int}", (int id) => Results.File(Path.Combine(app.Environment.ContentRootPath, "invoices", $"{id}.txt"), "text/plain"));

// A report that waits for a database which never answers. It gives up when the request is cancelled, at the deadline.
app.MapGet("/reports/{year:int}", async (int year, CancellationToken aborted) =>
{
    await Task.Delay(Timeout.Infinite, aborted);
    return $"The figures of {year}.\n";
});

// One that gives up never: the web server gets its answer without it, and its thread is lost.
app.MapGet("/reports/all", () => Thread.Sleep(Timeout.Infinite));

app.Run();
