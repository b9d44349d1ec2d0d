using System.Globalization;

namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>The <c>--name value</c> and <c>--switch</c> arguments of a command; what nobody asked for is an error.</summary>
internal sealed class CommandLineOptions(IReadOnlyList<string> arguments)
{
    private readonly bool[] _used = new bool[arguments.Count];

    public bool Switch(string name)
    {
        var index = IndexOf(name);
        if (index < 0)
        {
            return false;
        }

        _used[index] = true;
        return true;
    }

    public string? Value(string name)
    {
        var index = IndexOf(name);
        if (index < 0)
        {
            return null;
        }

        if (index + 1 == arguments.Count)
        {
            throw new CommandException($"{name} needs a value");
        }

        _used[index] = _used[index + 1] = true;
        return arguments[index + 1];
    }

    public int Number(string name, int otherwise) => Value(name) is { } text ? ParseNumber(name, text) : otherwise;

    /// <summary>A list, separated by commas.</summary>
    public IReadOnlyList<int> Numbers(string name, params int[] otherwise) =>
        Value(name) is { } text ? [.. text.Split(',').Select(number => ParseNumber(name, number))] : otherwise;

    public void ThrowIfAnyLeft()
    {
        var left = Array.IndexOf(_used, value: false);
        if (left >= 0)
        {
            throw new CommandException($"unknown argument '{arguments[left]}'");
        }
    }

    private static int ParseNumber(string name, string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new CommandException($"{name} takes a number above zero, not '{text}'");

    private int IndexOf(string name)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            if (!_used[i] && arguments[i] == name)
            {
                return i;
            }
        }

        return -1;
    }
}
