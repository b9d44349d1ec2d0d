using System.Text;
using Uwsgi.AspNetCore.RequestLog;

namespace Uwsgi.AspNetCore.Tests.RequestLog;

public class LogLineTests
{
    [Theory]
    [InlineData("/a?b=c&d=%20~", "/a?b=c&d=%20~")]
    [InlineData("a\r\nb", "a\\x0D\\x0Ab")]
    [InlineData("\0\u001b[2J\u007f", "\\x00\\x1B[2J\\x7F")]
    [InlineData("\u0085\u009b", "\\xC2\\x85\\xC2\\x9B")]
    [InlineData("\u2028\u2029", "\\xE2\\x80\\xA8\\xE2\\x80\\xA9")]
    [InlineData("a\"b\\c", "a\\x22b\\x5Cc")]
    [InlineData("\u202e\u200b\u00a0\ufeff", "\\xE2\\x80\\xAE\\xE2\\x80\\x8B\\xC2\\xA0\\xEF\\xBB\\xBF")]
    [InlineData("\ue000\uffff", "\\xEE\\x80\\x80\\xEF\\xBF\\xBF")]
    [InlineData("caf\u00e9 \u4e2d\U0001F600", "caf\u00e9\\x20\u4e2d\U0001F600")]
    public void AppendValue_TextOrItsBytes_IsEscapedAlike(string value, string expected)
    {
        Assert.Equal(expected, Escape(value));
        Assert.Equal(expected, Escape(Encoding.UTF8.GetBytes(value)));
    }

    [Theory]
    [InlineData(new byte[] { (byte)'a', 0xff, (byte)'b' }, "a\\xFFb")]
    [InlineData(new byte[] { 0xc0, 0x8a }, "\\xC0\\x8A")]
    [InlineData(new byte[] { 0xe2, 0x80 }, "\\xE2\\x80")]
    [InlineData(new byte[] { 0xed, 0xa0, 0x80 }, "\\xED\\xA0\\x80")]
    public void AppendValue_BytesThatAreNoUtf8_AreEscapedOneByOne(byte[] value, string expected) => Assert.Equal(expected, Escape(value));

    [Fact]
    public void AppendValue_HalfASurrogatePair_IsTheReplacementEscaped() => Assert.Equal("\\xEF\\xBF\\xBD!", Escape("\ud83d!"));

    [Fact]
    public void AppendValue_EveryCharacter_LeavesOneLineWithoutControls()
    {
        var all = string.Concat(Enumerable.Range(0, 0x3000).Select(code => (char)code));

        foreach (var part in all.Chunk(100))
            Assert.DoesNotContain(Escape(new string(part)), character => char.IsControl(character) || character is '\u2028' or '\u2029' or '"' or ' ');
    }

    [Fact]
    public void AppendValue_KeptBlanks_AreOnlyPlainOnes()
    {
        var line = new LogLine();
        line.AppendValue("a b\tc\u00a0", keepBlanks: true);

        Assert.Equal("a b\\x09c\\xC2\\xA0", line.ToString());
        line.Dispose();
    }

    [Theory]
    [InlineData("a", 2048)]
    [InlineData("\n", 2048)]
    public void AppendValue_LongValue_IsCutWithDots(string unit, int limit)
    {
        var cut = Escape(string.Concat(Enumerable.Repeat(unit, 10_000)));

        Assert.EndsWith("...", cut);
        Assert.InRange(cut.Length, limit - 32, limit);
    }

    [Fact]
    public void AppendValue_ManyLongValues_ShareTheLine()
    {
        var line = new LogLine();
        for (var i = 0; i < 20; i++)
        {
            line.AppendValue(new string('x', 3000), keepBlanks: false);
            line.Append('|');
        }

        var text = line.ToString();
        Assert.InRange(text.Length, 3500, 4096);
        Assert.EndsWith("...|", text);
        line.Dispose();
    }

    [Fact]
    public void Append_TextAndNumbers_GrowTheBuffer()
    {
        var line = new LogLine();
        line.Append(new string('x', 5000));
        line.Append(long.MaxValue);
        line.Append(7, "D4");

        Assert.Equal(new string('x', 5000) + "92233720368547758070007", line.ToString());
        line.Dispose();
    }

    private static string Escape(string value)
    {
        var line = new LogLine();
        line.AppendValue(value, keepBlanks: false);
        var text = line.ToString();
        line.Dispose();
        return text;
    }

    private static string Escape(byte[] value)
    {
        var line = new LogLine();
        line.AppendValue(value, keepBlanks: false);
        var text = line.ToString();
        line.Dispose();
        return text;
    }
}
