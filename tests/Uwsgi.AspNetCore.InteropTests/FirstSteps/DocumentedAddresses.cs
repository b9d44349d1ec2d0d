using System.Net;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>
/// The addresses a documentation page uses and those the test got from the kernel instead, so that tests can run next to a reader
/// who tries the page, or next to each other.
/// </summary>
internal sealed class DocumentedAddresses(params (string Documented, EndPoint Actual)[] addresses)
{
    /// <summary>Replaces the documented addresses in a configuration or a command.</summary>
    public string ToActual(string text) =>
        addresses.Aggregate(text, (result, address) => Replace(result, address.Documented, address.Actual.ToString()!));

    /// <summary>Replaces actual addresses in what came back.</summary>
    public string ToDocumented(string text) =>
        addresses.Aggregate(text, (result, address) => Replace(result, address.Actual.ToString()!, address.Documented));

    private static string Replace(string text, string address, string replacement) =>
        Regex.Replace(text, Regex.Escape(address) + @"\b", replacement, RegexOptions.None, TimeSpan.FromSeconds(1));
}
