using Uwsgi.AspNetCore.RequestLog;

namespace Uwsgi.AspNetCore.Tests.RequestLog;

public class LogFormatTests
{
    [Fact]
    public void TryParse_TextAndVariables_AreSegmentsInOrder() => Assert.Equal(
        [
            new(LogVariable.Text, "a "), new(LogVariable.Uri, "uri"), new(LogVariable.Method, "method"), new(LogVariable.Text, " z"),
        ],
        Parse("a %(uri)%(method) z"));

    [Fact]
    public void TryParse_NamesOfOthers_AreVariablesMetricsAndValuesOfTheApp() => Assert.Equal(
        [
            new(LogVariable.RequestVariable, "HTTP_COOKIE"), new(LogVariable.Metric, "metric.x"), new(LogVariable.AppValue, "tenant"),
            new(LogVariable.AppValue, "URI"),
        ],
        Parse("%(var.HTTP_COOKIE)%(metric.x)%(tenant)%(URI)"));

    [Theory]
    [InlineData("%%")]
    [InlineData("100% (of it)")]
    [InlineData("%")]
    [InlineData("a)b")]
    public void TryParse_OtherPercentSigns_StandForThemselves(string text) => Assert.Equal([new(LogVariable.Text, text)], Parse(text));

    [Fact]
    public void TryParse_TwoPercentSigns_AreOneAndAVariable() =>
        Assert.Equal([new(LogVariable.Text, "%"), new(LogVariable.Uri, "uri")], Parse("%%(uri)"));

    [Fact]
    public void TryParse_Empty_IsNothing() => Assert.Empty(Parse(""));

    [Theory]
    [InlineData("%(uri", "has no closing parenthesis behind '%(uri'")]
    [InlineData("%(uri) %(", "has no closing parenthesis behind '%('")]
    [InlineData("a %() b", "holds %(), which names no variable")]
    public void TryParse_Malformed_SaysWhatIsWrong(string text, string error) => Assert.StartsWith(error, LogFormat.TryParse(text, out _));

    [Fact]
    public void Names_AreUwsgis() => Assert.Equal(
        "uri method user addr host proto uagent referer status size rsize hsize cl headers micros msecs secs epoch time tmsecs tmicros ctime ltime ftime"
            + " pid wid core switches vars pktsize modifier1 modifier2 rss vsz rssM vszM rerr werr ioerr",
        string.Join(' ', LogFormat.Names));

    [Theory]
    [InlineData("%(uri", "Uwsgi:LogFormat: '%(uri' has no closing parenthesis")]
    [InlineData("%()", "Uwsgi:LogFormat: '%()' holds %()")]
    public void Validator_MalformedFormat_NamesKeyAndValue(string format, string error) =>
        Assert.StartsWith(error, Assert.Single(new RequestLogOptionsValidator().Validate(null, new UwsgiOptions { LogFormat = format }).Failures!));

    [Fact]
    public void Validator_NegativeTime_NamesKeyAndValue() => Assert.Equal(
        "Uwsgi:LogSlow: '-1' must be zero or more milliseconds.",
        Assert.Single(new RequestLogOptionsValidator().Validate(null, new UwsgiOptions { LogSlow = -1 }).Failures!));

    [Fact]
    public void Validator_GoodOptions_AreAccepted() =>
        Assert.True(new RequestLogOptionsValidator().Validate(null, new UwsgiOptions { LogFormat = "%(uri) 100%", LogSlow = 0 }).Succeeded);

    private static LogFormat.Segment[] Parse(string text)
    {
        Assert.Null(LogFormat.TryParse(text, out var format));
        return format.Segments.ToArray();
    }
}
