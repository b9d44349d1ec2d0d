using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

// What the test host of WebApplicationFactoryTests starts: an app like any other.
var builder = WebApplication.CreateBuilder(args);
builder.UseUwsgi();

var app = builder.Build();
app.MapGet("/books/{id:int}", (int id, HttpContext context) => new { id, server = context.GetServerVariable("SERVER_NAME") });
app.Run();
