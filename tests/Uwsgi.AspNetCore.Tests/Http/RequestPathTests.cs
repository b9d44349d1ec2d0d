using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Tests.Http;

public class RequestPathTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a", "/a")]
    [InlineData("/a/b/c/./../../g", "/a/g")]
    [InlineData("/.", "/")]
    [InlineData("/./", "/")]
    [InlineData("/a/.", "/a/")]
    [InlineData("/a/./", "/a/")]
    [InlineData("/a/..", "/")]
    [InlineData("/a/../", "/")]
    [InlineData("/a/b/..", "/a/")]
    [InlineData("/a/b/../c", "/a/c")]
    [InlineData("/a/../b/./c", "/b/c")]
    [InlineData("/...", "/...")]
    [InlineData("/.a", "/.a")]
    [InlineData("/..a/b", "/..a/b")]
    [InlineData("/a./b", "/a./b")]
    [InlineData("/a../b", "/a../b")]
    [InlineData("/.well-known/x", "/.well-known/x")]
    [InlineData("//", "//")]
    [InlineData("//evil/x", "//evil/x")]
    [InlineData("/a//b", "/a//b")]
    [InlineData("/a//../b", "/a/b")]
    [InlineData("//../b", "/b")]
    [InlineData("/a\\..\\c", "/a\\..\\c")]
    [InlineData("/100%/a%25b", "/100%/a%25b")]
    [InlineData("/a%2e%2e/b", "/a%2e%2e/b")]
    [InlineData("/a?b;c=1", "/a?b;c=1")]
    [InlineData("/a+b", "/a+b")]
    [InlineData("/a\r\nX: 1", "/a\r\nX: 1")]
    public void DecodeVariable_RemovesDotSegmentsAndNothingElse(string path, string expected) =>
        Assert.Equal(expected, Decode(path));

    [Theory]
    [InlineData("/..")]
    [InlineData("/../")]
    [InlineData("/../a")]
    [InlineData("/a/../..")]
    [InlineData("/a/../../b")]
    [InlineData("/./../a")]
    [InlineData("/../../etc/passwd")]
    [InlineData("/a\0b")]
    [InlineData("/\0")]
    public void DecodeVariable_AboveTheRootOrNul_IsRefused(string path) =>
        Assert.Equal(GatewayRejection.InvalidPath, Assert.Throws<GatewayProtocolException>(() => Decode(path)).Reason);

    [Theory]
    [InlineData("2F636166C3A9", "/caf\u00E9")]
    [InlineData("2FF09F9982", "/\U0001F642")]
    [InlineData("2FFF", "/%FF")]
    [InlineData("2F636166E9", "/caf%E9")]
    [InlineData("2FC0AEC0AE2F78FF", "/%C0%AE%C0%AE/x%FF")]
    [InlineData("2FEDA080", "/%ED%A0%80")]
    [InlineData("2FC3", "/%C3")]
    [InlineData("2FE282", "/%E2%82")]
    [InlineData("2FC3A9FFC3A9", "/\u00E9%FF\u00E9")]
    public void DecodeVariable_BytesAbove127_AreUtf8OrStayVisible(string hex, string expected) =>
        Assert.Equal(expected, RequestPath.DecodeVariable(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("/a%20b/%C3%A9", "/a b/\u00E9")]
    [InlineData("/100%25/a%2525b", "/100%/a%25b")]
    [InlineData("/%zz%", "/%zz%")]
    [InlineData("/a%", "/a%")]
    [InlineData("/a%2", "/a%2")]
    [InlineData("/a%2Fb%2fc", "/a/b/c")]
    [InlineData("/a/%2e%2e/b/%2E/c", "/b/c")]
    [InlineData("/a%5cb", "/a\\b")]
    [InlineData("/a+b", "/a+b")]
    public void DecodeTarget_DecodesOnce(string target, string expected) =>
        Assert.Equal(expected, RequestPath.DecodeTarget(Encoding.ASCII.GetBytes(target), keepEncodedSlashes: false));

    [Theory]
    [InlineData("/a%2Fb%2fc", "/a%2Fb%2fc")]
    [InlineData("/a%2F..%2Fb", "/a%2F..%2Fb")]
    [InlineData("/a%20%2Fb", "/a %2Fb")]
    public void DecodeTarget_KeepingEncodedSlashes_LeavesThemAsTheyCame(string target, string expected) =>
        Assert.Equal(expected, RequestPath.DecodeTarget(Encoding.ASCII.GetBytes(target), keepEncodedSlashes: true));

    [Theory]
    [InlineData("/a%00b")]
    [InlineData("/%2e%2e/a")]
    public void DecodeTarget_NulOrAboveTheRoot_IsRefused(string target) => Assert.Throws<GatewayProtocolException>(
        () => RequestPath.DecodeTarget(Encoding.ASCII.GetBytes(target), keepEncodedSlashes: false));

    [Theory]
    [InlineData("/a?b=c", "/a")]
    [InlineData("/a#b?c", "/a")]
    [InlineData("?x=1", "")]
    [InlineData("", "")]
    [InlineData("*", "")]
    [InlineData("example.test:443", "")]
    [InlineData("http://example.test/ab?c=d", "/ab")]
    [InlineData("http://example.test", "/")]
    [InlineData("http://example.test?c=d", "/")]
    [InlineData("//evil/x?y", "//evil/x")]
    public void GetTargetPath_EveryForm(string target, string expected) =>
        Assert.Equal(expected, Encoding.ASCII.GetString(RequestPath.GetTargetPath(Encoding.ASCII.GetBytes(target))));

    [Theory]
    [InlineData("/app", "/app", true)]
    [InlineData("/app/x", "/app", true)]
    [InlineData("/application", "/app", false)]
    [InlineData("/App/x", "/app", false)]
    [InlineData("/ap", "/app", false)]
    public void StartsWithSegments_OnlyAtABorder(string path, string prefix, bool expected) =>
        Assert.Equal(expected, RequestPath.StartsWithSegments(path, prefix));

    [Fact]
    public void DecodeVariable_AnyPath_IsRefusedOrFreeOfDotSegmentsAndRooted()
    {
        var segments = Gen.Elements("", ".", "..", "a", "b.", ".c", "...", "\\..", "\u00FF", "%2e", "\r\n", "\0").ArrayOf();
        Prop.ForAll(
            Arb.From(segments),
            parts =>
            {
                var path = "/" + string.Join('/', parts);
                try
                {
                    var decoded = Decode(path);

                    Assert.StartsWith("/", decoded);
                    Assert.DoesNotContain(decoded.Split('/'), segment => segment is "." or "..");
                    Assert.DoesNotContain('\0', decoded);
                    Assert.Equal(decoded, Decode(decoded.Replace("%FF", "\u00FF")));
                }
                catch (GatewayProtocolException)
                {
                    Assert.True(parts.Contains("..") || parts.Contains("\0"));
                }
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void DecodeTarget_AnyBytes_ThrowsNothingButTheOneException() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        ArbMap.Default.ArbFor<bool>(),
        (bytes, keep) =>
        {
            try
            {
                Assert.NotNull(RequestPath.DecodeTarget([(byte)'/', .. bytes], keep));
            }
            catch (GatewayProtocolException exception)
            {
                Assert.Equal(GatewayRejection.InvalidPath, exception.Reason);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static string Decode(string latin1) => RequestPath.DecodeVariable(Encoding.Latin1.GetBytes(latin1));
}
