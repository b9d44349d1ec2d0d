namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>A way in which a request can reach the app.</summary>
public enum Wire
{
    Uwsgi,
    Scgi,
    FastCgi,
    FastCgiKept,
    Http,
    HttpKept,
}
