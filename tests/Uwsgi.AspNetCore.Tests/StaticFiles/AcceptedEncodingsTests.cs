using Uwsgi.AspNetCore.StaticFiles;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public class AcceptedEncodingsTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("x-gzip", "gzip")]
    [InlineData("GZIP", "gzip")]
    [InlineData("gzip, deflate, br", "br gzip")]
    [InlineData("gzip;q=0.9, br;q=0.5", "gzip br")]
    [InlineData("gzip;q=0", "")]
    [InlineData("gzip;q=0, br", "br")]
    [InlineData("*", "br gzip")]
    [InlineData("*;q=0", "")]
    [InlineData("*;q=0, gzip", "gzip")]
    [InlineData("br;q=0, *", "gzip")]
    [InlineData("identity, gzip;q=0.5", "")]
    [InlineData("identity;q=0.5, gzip", "gzip")]
    [InlineData("identity;q=0, gzip;q=0.1", "gzip")]
    [InlineData("brotli, gzipped", "")]
    [InlineData("gzip;q=many", "")]
    public void Parse_Header_TellsWhatToSend(string? header, string expected)
    {
        var accepted = AcceptedEncodings.Parse(header);

        string[] order = accepted.PrefersGzip ? ["gzip", "br"] : ["br", "gzip"];
        Assert.Equal(expected, string.Join(' ', order.Where(name => name == "br" ? accepted.Brotli : accepted.Gzip)));
    }
}
