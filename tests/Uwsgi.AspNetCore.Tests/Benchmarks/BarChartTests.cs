using System.Xml.Linq;
using Uwsgi.AspNetCore.Benchmarks.Figures;

namespace Uwsgi.AspNetCore.Tests.Benchmarks;

public sealed class BarChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Write_TitleAndDescription_NameThePicture()
    {
        var svg = Draw(new Bar("proxy", 1, BarKind.Baseline));

        var ids = svg.Attribute("aria-labelledby")!.Value.Split(' ');
        Assert.Equal("img", svg.Attribute("role")?.Value);
        Assert.Equal(["CPU & requests", "proxy < uwsgi"], ids.Select(id => svg.Elements().Single(element => element.Attribute("id")?.Value == id).Value));
    }

    [Fact]
    public void Write_Bars_AreAsLongAsTheirValues()
    {
        var svg = Draw(new Bar("proxy", 50, BarKind.Baseline), new Bar("uwsgi", 12.5, BarKind.Ours), new Bar("none", 0, BarKind.Other));

        var bars = svg.Elements(Svg + "rect").ToList();
        Assert.Equal(["baseline", "ours", "other"], bars.Select(bar => bar.Attribute("class")!.Value));
        Assert.Equal([1, 0.25, 0], bars.Select(bar => (double)bar.Attribute("width")! / (double)bars[0].Attribute("width")!));
    }

    [Fact]
    public void Write_Bars_HaveLabelAndValueBesideThem()
    {
        var svg = Draw(new Bar("proxy <1>", 1234.56, BarKind.Baseline));

        Assert.Equal(["proxy <1>"], Texts(svg, "label"));
        Assert.Equal(["1,234.6 µs"], Texts(svg, "value"));
    }

    [Fact]
    public void Write_EverythingIsInsideThePicture()
    {
        var svg = Draw(new Bar("proxy", 1, BarKind.Baseline), new Bar("uwsgi", 2, BarKind.Ours));

        Assert.Equal(["first line", "second line"], Texts(svg, "caption"));
        Assert.Equal($"0 0 {svg.Attribute("width")!.Value} {svg.Attribute("height")!.Value}", svg.Attribute("viewBox")?.Value);
        Assert.All(svg.Elements().Attributes("y"), y => Assert.InRange((double)y, 1, (double)svg.Attribute("height")! - 1));
        Assert.All(svg.Elements(Svg + "rect"), bar =>
            Assert.InRange((double)bar.Attribute("x")! + (double)bar.Attribute("width")!, 1, (double)svg.Attribute("width")! - 1));
    }

    [Fact]
    public void Write_Colours_FollowTheSchemeOfTheReader()
    {
        var svg = Draw(new Bar("proxy", 1, BarKind.Baseline));

        Assert.Contains("prefers-color-scheme: dark", svg.Element(Svg + "style")!.Value);
    }

    private static XElement Draw(params Bar[] bars) => XElement.Parse(
        new BarChart("CPU & requests", "proxy < uwsgi", [new BarPanel("CPU", " µs", "N1", bars)], ["first line", "second line"]).Write());

    private static IEnumerable<string> Texts(XElement svg, string kind) =>
        svg.Elements(Svg + "text").Where(text => text.Attribute("class")?.Value == kind).Select(text => text.Value);
}
