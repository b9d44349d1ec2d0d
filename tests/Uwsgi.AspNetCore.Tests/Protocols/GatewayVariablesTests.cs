using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;
using Packet = Uwsgi.AspNetCore.Testing.UwsgiPacket;
using UwsgiPacket = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Protocols;

public class GatewayVariablesTests
{
    [Fact]
    public void Indexer_RepeatedVariable_LastWins()
    {
        var variables = Load(new Packet().Add("PATH_INFO", "/first").Add("PATH_INFO", "/last"));

        Assert.Equal("/last", variables.GetString(KnownVariable.PathInfo));
        Assert.True(variables.TryGetValue("PATH_INFO", out var value));
        Assert.Equal("/last"u8, value);
        Assert.Equal(2, variables.Count);
    }

    [Fact]
    public void Indexer_AbsentAndEmpty_AreTheSame()
    {
        var variables = Load(new Packet().Add("CONTENT_TYPE", ""));

        Assert.Null(variables.GetString(KnownVariable.ContentType));
        Assert.Null(variables.GetString(KnownVariable.RemoteUser));
        Assert.True(variables.Contains(KnownVariable.ContentType));
        Assert.False(variables.Contains(KnownVariable.RemoteUser));
    }

    [Theory]
    [InlineData("HTTP_REMOTE_USER")]
    [InlineData("HTTP_HTTPS")]
    [InlineData("http_remote_user")]
    [InlineData("REMOTE_USER_X")]
    [InlineData("remote_user")]
    public void Indexer_OtherName_DoesNotReachAKnownVariable(string name)
    {
        var variables = Load(new Packet().Add(name, "admin"));

        Assert.All(Enum.GetValues<KnownVariable>().Where(known => known != KnownVariable.Count), known => Assert.False(variables.Contains(known)));
    }

    [Fact]
    public void TryGetValue_ExactNameBeforeOtherCase()
    {
        var variables = Load(new Packet().Add("My_Setting", "exact").Add("MY_SETTING", "upper"));

        Assert.True(variables.TryGetValue("My_Setting", out var exact));
        Assert.Equal("exact"u8, exact);
        Assert.True(variables.TryGetValue("my_setting", out _));
        Assert.False(variables.TryGetValue("MY_SETTING_2", out _));
    }

    [Theory]
    [InlineData("3", "3", false)]
    [InlineData("3", "5", true)]
    [InlineData("", "5", true)]
    public void HasConflictingContentLength_RepeatedLength(string first, string second, bool expected)
    {
        var variables = Load(new Packet().Add("CONTENT_LENGTH", first).Add("CONTENT_LENGTH", second));

        Assert.Equal(expected, variables.HasConflictingContentLength);
    }

    [Theory]
    [InlineData("caf\u00C3\u00A9", "caf\u00E9")]
    [InlineData("caf\u00E9", "caf\u00E9")]
    public void GetString_Utf8OrLatin1_LosesNothing(string latin1, string expected)
    {
        var variables = Load(new Packet().Add("MY_SETTING", latin1));

        Assert.Equal(expected, GatewayVariables.GetString(variables.Value(0)));
    }

    [Fact]
    public void Reset_AfterALargeBlock_IsEmpty()
    {
        var packet = Packet.Nginx().Add("CONTENT_LENGTH", "1").Add("CONTENT_LENGTH", "2");
        for (var i = 0; i < 1000; i++)
            packet.Add($"HTTP_X_{i}", "value");
        var variables = Load(packet);

        variables.Reset();

        Assert.Equal(0, variables.Count);
        Assert.True(variables.Block.IsEmpty);
        Assert.False(variables.Contains(KnownVariable.RequestMethod));
        Assert.False(variables.HasConflictingContentLength);
        Assert.False(variables.TryGetValue("HTTP_X_1", out _));
    }

    [Theory]
    [InlineData("HTTP_X", true)]
    [InlineData("HTTP_", false)]
    [InlineData("HTTPS", false)]
    [InlineData("http_x", false)]
    public void IsHeaderName_NeedsThePrefixAndAName(string name, bool expected) =>
        Assert.Equal(expected, GatewayVariables.IsHeaderName(System.Text.Encoding.ASCII.GetBytes(name)));

    private static GatewayVariables Load(Packet packet)
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole(packet.ToBlock()));
        UwsgiPacket.DecodeBlock(variables);
        return variables;
    }
}
