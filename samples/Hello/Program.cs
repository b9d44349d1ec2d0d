var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUwsgi();
var app = builder.Build();
app.MapGet("/", () => "Hello, World!");
app.Run();
