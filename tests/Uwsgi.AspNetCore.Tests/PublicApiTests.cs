using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Uwsgi.AspNetCore.Tests;

/// <summary>Nothing becomes public, or stops being it, by accident: PublicApi.txt lists all of it.</summary>
public class PublicApiTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void PublicSurface_IsAsListed()
    {
        var assembly = typeof(UwsgiOptions).Assembly;
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("PublicApi.txt")!;
        using var reader = new StreamReader(stream);
        var expected = reader.ReadToEnd().ReplaceLineEndings("\n").Trim();

        var actual = string.Join("\n\n", assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal).Select(Describe));

        Assert.True(actual == expected, $"The public surface differs from PublicApi.txt. If that is intended, make it:\n\n{actual}\n");
    }

    private static string Describe(Type type)
    {
        var text = new StringBuilder();
        text.Append(KindOf(type)).Append(' ').Append(type.FullName);
        foreach (var line in Members(type).Order(StringComparer.Ordinal))
            text.Append("\n    ").Append(line);
        return text.ToString();
    }

    private static string KindOf(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        { IsSealed: true } => "sealed class",
        _ => "class",
    };

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name))}");

        return type.GetMembers(Declared).Select(DescribeMember).OfType<string>();
    }

    private static string? DescribeMember(MemberInfo member) => member switch
    {
        ConstructorInfo { IsStatic: false } constructor when IsVisible(constructor) => $"ctor({Parameters(constructor)})",
        MethodInfo { IsSpecialName: false } method when IsVisible(method) =>
            $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        PropertyInfo property when property.GetMethod is { } getter && IsVisible(getter) =>
            $"{Name(property.PropertyType)} {property.Name} {{ get;{(property.SetMethod is { } setter && IsVisible(setter) ? " set;" : "")} }}",
        FieldInfo field when field.IsPublic || field.IsFamily => $"{Name(field.FieldType)} {field.Name}",
        EventInfo @event => $"event {@event.Name}",
        _ => null,
    };

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(MethodBase method) => string.Join(
        ", ",
        method.GetParameters().Select((parameter, index) =>
            $"{(index == 0 && method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "")}{Name(parameter.ParameterType)} {parameter.Name}"));

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return $"{Name(underlying)}?";
        if (!type.IsGenericType)
            return type.Name;

        return $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
