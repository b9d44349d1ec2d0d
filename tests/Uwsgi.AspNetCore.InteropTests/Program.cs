namespace Uwsgi.AspNetCore.InteropTests;
internal static class Program { private static void Main() { } }
